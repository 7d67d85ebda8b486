"""Submit: reads the submissions queue."""
