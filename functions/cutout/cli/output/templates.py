"""Templates of web pages. Every value is escaped, and characters that may hide what it is."""

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from cutout.domain.sanitize import plain


def templates(package: str, folder: str = "templates") -> Environment:
    """Return the templates in a folder of a package."""
    return Environment(
        loader=PackageLoader(package, folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )


def _printable(value: object) -> object:
    """Replace control characters of texts, which may hide what a key or a message is."""
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value
