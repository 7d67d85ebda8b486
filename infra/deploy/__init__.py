"""Deploying to AWS and destroying in one command."""
