"""Faults on demand: one declaration each, and the rules that choose them."""
