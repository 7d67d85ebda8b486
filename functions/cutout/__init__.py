"""Cutout."""
