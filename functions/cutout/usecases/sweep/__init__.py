"""What Sweep does: enqueue every job that is due."""
