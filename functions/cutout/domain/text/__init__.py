"""Untrusted text: made safe to print, and encoded for headers."""
