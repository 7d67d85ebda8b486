"""MiniStack, the embedded AWS, and the corrections that the local cloud makes to it."""
