"""A job: its states, attempts, source, result and variants."""
