"""Other people's text on a terminal: it must not move the cursor, set the title or hide itself.

Keys are whatever an uploader likes, and the provider's messages are the provider's.
"""

from __future__ import annotations


def plain(text: str) -> str:
    r"""Return it on one line, with escapes such as ``\n`` for what cannot be printed."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def plain_lines(text: str) -> str:
    """Return the same, with its lines kept."""
    return "\n".join(map(plain, text.split("\n")))
