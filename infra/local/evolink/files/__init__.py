"""The Files API: photos handed over by upload instead of by URL."""
