"""Background processes: starting and stopping them, their ports, lock and ledger."""
