"""The world behind the ports: one module an SDK, and no module imports another."""
