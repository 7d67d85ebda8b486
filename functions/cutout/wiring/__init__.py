"""Composition: settings, ports and use cases of each function. One module a function."""
