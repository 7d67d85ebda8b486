"""Composition: the ports of each function filled with adapters, and its use cases on them."""
