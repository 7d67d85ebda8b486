"""What `cutout doctor` looks at: one function a check, each on its own and in its own time."""
