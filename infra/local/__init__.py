"""The local cloud: an embedded AWS and a stand-in for Evolink, started, deployed to and ended here.

Nothing in this package is shipped to AWS. It needs the extra ``local``.
"""
