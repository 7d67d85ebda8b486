"""Cutout: drop photos in a bucket; transparent cut-outs come back in another."""
