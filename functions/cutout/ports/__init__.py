"""What the use cases need from the outside, as Protocols in their own terms.

Each port has two implementations: an adapter, and a fake for tests. One contract test suite runs on
both.
"""
