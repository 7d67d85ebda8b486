"""The deployed dashboard, drawn as a picture."""
