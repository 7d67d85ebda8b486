"""The settings of a deployment, checked before anything is made."""
