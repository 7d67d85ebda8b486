"""What the use cases of several functions have in common."""
