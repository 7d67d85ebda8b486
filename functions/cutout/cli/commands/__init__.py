"""The commands: one module each, with the function `command`."""
