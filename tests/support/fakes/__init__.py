"""In-memory implementations of the ports, with the real ones' meaning.

Each calls `step` before and after whatever it does, so that the simulation can stop, reorder or
kill a worker there; elsewhere `step` does nothing. The contract tests keep them honest.
"""
