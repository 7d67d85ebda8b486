"""Going wrong on demand: the table of faults, the rules, and how each is committed."""
