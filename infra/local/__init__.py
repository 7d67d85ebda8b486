"""The local cloud: an embedded AWS and a stand-in for Evolink, and how both start and stop.

It needs a checkout: neither the wheel nor any Lambda asset contains this package.
"""
