"""What the use cases need from the world, in their own words.

Each port has two implementations in use: an adapter to the real thing, and a fake with the same
meaning for the lower test tiers; one contract suite runs on both.
"""
