"""A deployed stack as AWS describes it."""
