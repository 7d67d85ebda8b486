"""What ReceiveCallback does: check a callback and queue it."""
