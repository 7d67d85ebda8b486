"""What commands are asked: options, names, times, the target."""
