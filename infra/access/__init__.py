"""Permissions of the functions, and of others."""
