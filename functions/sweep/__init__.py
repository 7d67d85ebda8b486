"""Sweep: runs once a minute."""
