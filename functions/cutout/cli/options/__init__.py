"""Options of commands, and the values that they are converted to."""
