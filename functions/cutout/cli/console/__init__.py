"""The console: pages in the browser for the people who look after a stack, on this machine only."""
