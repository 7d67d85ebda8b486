"""Tasks: stored, processed, charged and reported."""
