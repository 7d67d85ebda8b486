"""Where settings, clients and use cases are put together: one module a function."""
