"""The project's pages: their sections, blocks of commands, links and anchors."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
_FOLDERS: Final = (".github", "events", "functions", "infra", "tests")


def _found() -> Iterator[str]:
    yield "README.md"
    for folder in _FOLDERS:
        for path in (ROOT / folder).rglob("*.md"):
            if "node_modules" not in path.parts:
                yield path.relative_to(ROOT).as_posix()


PAGES: Final = {name: (ROOT / name).read_text(encoding="utf-8") for name in sorted(_found())}
"""The text of each page, by its path in the project."""


def section(page: str, heading: str) -> str:
    """Return what stands below a heading, up to the next one of the same level or above.

    Raises:
        LookupError: the page does not have this heading exactly once.
    """
    text = PAGES[page]
    starts = list(re.finditer(rf"^(#+) {re.escape(heading)}\n", text, re.MULTILINE))
    if len(starts) != 1:
        raise LookupError(f"{page} has {len(starts)} headings {heading!r}")
    [start] = starts
    end = re.compile(rf"^#{{1,{len(start[1])}}} ", re.MULTILINE).search(text, start.end())
    return text[start.end() : end.start() if end else None]


def blocks(page: str, *languages: str) -> list[str]:
    """Return the code blocks of a page that are marked as one of these languages."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", PAGES[page], re.DOTALL | re.MULTILINE)
    return [block for language, block in found if language in languages]


def prose(page: str) -> str:
    """Return a page without its code blocks."""
    return re.sub(r"^```.*?^```$", "", PAGES[page], flags=re.DOTALL | re.MULTILINE)


def links(page: str) -> set[str]:
    """Return what the page's links and pictures lead to, as written."""
    return set(re.findall(r"\]\(([^)\s]+)\)", prose(page)))


def anchors(page: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    seen: Counter[str] = Counter()
    made = set()
    for heading in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE):
        text = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        made.add(f"{text}-{seen[text]}" if seen[text] else text)
        seen[text] += 1
    return made
