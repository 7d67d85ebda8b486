"""Use cases of people at the command line. Never shipped to Lambda."""
