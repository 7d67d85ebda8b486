"""What Submit does: register an upload, check the photo, make the paid call."""
