"""Removing the background of a photo: finding the subject, and drawing its edge."""
