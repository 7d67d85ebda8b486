"""Prepare: reads the preparations queue."""
