"""The sample outputs on the pages: `python -m tests.benchmarks.page_samples` runs them again.

Each `cutout` command of a console block runs on the local cloud that is up, after a day of
`tests.benchmarks.rough_day`, and what it prints replaces the sample. Long lines are cut, and the
names of buckets are shortened.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.support.pages import PAGES, ROOT

_BLOCK: Final = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.DOTALL | re.MULTILINE)
_BUCKET: Final = re.compile(r"cutout-cutout(uploads|results)[0-9a-f]+-[0-9a-f]+")
_WIDTH: Final = 118
_CUT: Final = " [...]"


def main() -> None:
    """Write the pages."""
    for page, text in PAGES.items():
        (ROOT / page).write_text(_BLOCK.sub(lambda block: _again(block[0]), text))


def _again(block: str) -> str:
    return "".join(_with_output(one) for one in re.split(r"^(?=\$ )", block, flags=re.MULTILINE))


def _with_output(sample: str) -> str:
    command, _, _old = sample.partition("\n")
    if not command.startswith("$ cutout "):
        return sample
    _cutout, *arguments = shlex.split(command.removeprefix("$ "))
    done = subprocess.run(  # noqa: S603 - the pages' own commands
        [str(Path(sys.executable).with_name("cutout")), *arguments],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "118"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return "\n".join([command, *_shortened(done.stdout)]) + "\n"


def _shortened(output: str) -> Iterator[str]:
    for line in map(str.rstrip, _BUCKET.sub(r"cutout-\1", output).strip("\n").splitlines()):
        yield line if len(line) <= _WIDTH else line[: _WIDTH - len(_CUT)].rstrip() + _CUT


if __name__ == "__main__":
    main()
