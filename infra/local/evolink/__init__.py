"""A stand-in for Evolink: its documented API on loopback, with faults on demand."""
