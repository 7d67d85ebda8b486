"""Removing backgrounds: where the subject is, what belongs to it, and who does the work."""
