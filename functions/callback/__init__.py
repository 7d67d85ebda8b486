"""ReceiveCallback behind the HTTP API, and StoreResult, which reads the callbacks queue."""
