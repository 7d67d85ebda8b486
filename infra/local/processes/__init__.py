"""Background processes, their ports, locks and records."""
