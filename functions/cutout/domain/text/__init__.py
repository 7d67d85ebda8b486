"""Other people's text: made safe to show, and encoded for headers."""
