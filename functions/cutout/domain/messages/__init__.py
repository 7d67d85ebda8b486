"""What functions read from their queues, and the events that they send."""
