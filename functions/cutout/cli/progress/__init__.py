"""The clock, and what commands show while they run."""
