"""The provider that this deployment uses: another one is its folder in `adapters/`, named here."""

from cutout.adapters import evolink as provider

__all__ = ["provider"]
