"""The error of a failed build."""


class AssetError(RuntimeError):
    """An asset that cannot be built; the message says why and what to do."""
