"""Deploy to AWS, or destroy, with one command."""
