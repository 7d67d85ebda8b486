"""What a photo's file is, read from its own bytes; nothing is decoded."""
