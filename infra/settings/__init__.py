"""The settings and recipes of a deployment, checked at synth."""
