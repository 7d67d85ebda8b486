"""A stand-in for Evolink: the documented contract on loopback, with faults on demand."""
