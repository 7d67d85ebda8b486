"""What StoreResult does: read the task, fetch its result, publish the cut-out."""
