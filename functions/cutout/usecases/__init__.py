"""What the product does: one module a use case, none of which knows an SDK."""
