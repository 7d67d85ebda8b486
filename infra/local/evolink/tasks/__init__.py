"""Tasks: stored, processed, billed and reported."""
