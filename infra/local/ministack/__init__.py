"""MiniStack, the embedded AWS, and what the local cloud corrects in it."""
