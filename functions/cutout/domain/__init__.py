"""What a job is and may do. Standard library only."""
