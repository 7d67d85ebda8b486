"""Untrusted text, made safe to print."""
