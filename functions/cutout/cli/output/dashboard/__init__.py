"""The dashboard as a picture: read from what is deployed, drawn from the metrics that it names."""
