"""Files that clients upload instead of giving a URL."""
