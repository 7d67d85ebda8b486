"""Deploying the stack to the local cloud with the CDK."""
