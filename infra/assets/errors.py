"""What can go wrong while assets are built."""


class AssetError(RuntimeError):
    """An asset that cannot be built; the message says why and what to do."""
