"""The checks of `cutout doctor`. Each is a function of its own and may run alone."""
