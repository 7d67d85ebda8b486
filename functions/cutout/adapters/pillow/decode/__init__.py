"""Opening and decoding the photos that users upload."""
