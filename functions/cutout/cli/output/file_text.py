"""Untrusted text in files that other programs open: web pages and spreadsheets."""

import re
from html import escape

from cutout.domain.sanitize import plain

# Where a spreadsheet would begin a formula: at the start of a cell. In much of Europe, semicolons
# separate cells, and quotes before a formula are ignored.
_FORMULA = re.compile(r"""(?:^|(?<=;))(?=[" ]*[=+\-@])""")


def html_text(text: str) -> str:
    """Escape text for HTML or SVG, also inside a quoted attribute."""
    return escape(plain(text))


def spreadsheet_cell(text: str) -> str:
    """Escape text for a cell of a CSV file: a quote is put before what could be a formula."""
    # https://owasp.org/www-community/attacks/CSV_Injection
    return _FORMULA.sub("'", plain(text))
