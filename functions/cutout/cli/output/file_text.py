"""Other people's text in files that other programs open: web pages and spreadsheets."""

from __future__ import annotations

import re
from html import escape

from cutout.domain.text.sanitize import plain

_FORMULA = re.compile(r"""(?:^|(?<=;))(?=[" ]*[=+\-@])""")
"""Where a spreadsheet would begin a formula: at the start of a cell, also where the spreadsheet
separates cells by semicolons, as in much of Europe, and then looks past quotes."""


def html_text(text: str) -> str:
    """Return it for a page or a drawing, in an attribute's quotes too."""
    return escape(plain(text))


def spreadsheet_cell(text: str) -> str:
    """Return it for a cell of a CSV file: a quote leads what would be taken for a formula.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    return _FORMULA.sub("'", plain(text))
