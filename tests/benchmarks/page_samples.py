"""The sample outputs on the pages: `python -m tests.benchmarks.page_samples` runs them again.

    python -m tests.benchmarks.page_samples cutout    # on the local cloud that is up, after a day
                                                      # of `tests.benchmarks.rough_day`
    python -m tests.benchmarks.page_samples make      # the demo, after `rm -rf .cutout`

Each command of a console block that begins so runs, and what it prints replaces the sample. Long
lines are cut, the names of buckets are shortened, and the lines of progress are left out.
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
_PROGRESS: Final = re.compile(r"^ +[\d.]+ s  .*\n", re.MULTILINE)
"""On a terminal, a table takes their place and goes."""
_WIDTH: Final = 118
_CUT: Final = " [...]"


def main(program: str) -> None:
    """Write the pages, with new outputs of this program."""
    for page, text in PAGES.items():
        (ROOT / page).write_text(_BLOCK.sub(lambda block: _again(block[0], program), text))


def _again(block: str, program: str) -> str:
    samples = re.split(r"^(?=\$ )", block, flags=re.MULTILINE)
    return "".join(_with_output(one) if one.startswith(f"$ {program} ") else one for one in samples)


def _with_output(sample: str) -> str:
    command, _, _old = sample.partition("\n")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(  # noqa: S603 - the pages' own commands
        shlex.split(command.removeprefix("$ ")),
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "118", "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return "\n".join([command, *_shortened(done.stdout)]) + "\n"


def _shortened(output: str) -> Iterator[str]:
    shown = _BUCKET.sub(r"cutout-\1", _PROGRESS.sub("", output))
    for line in map(str.rstrip, shown.strip("\n").splitlines()):
        yield line if len(line) <= _WIDTH else line[: _WIDTH - len(_CUT)].rstrip() + _CUT


if __name__ == "__main__":
    main(sys.argv[1])
