"""What Prepare does: make a copy of a photo that the model takes."""
