"""The commands, settings, states and links of the pages are those of the project."""

from __future__ import annotations

import importlib
import importlib.util
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import fields
from pathlib import PurePosixPath

import click
import pytest

from cutout.cli.entry import cutout as cli
from cutout.domain.recipes import Recipe
from cutout.domain.states import State
from infra.settings.settings import Settings
from tests.support.pages import PAGES, ROOT, anchors, blocks, links, prose, section
from tests.support.reference import COMMANDS_PAGE, generated

MAKEFILE = (ROOT / "Makefile").read_text()
CONTRIBUTING = ".github/CONTRIBUTING.md"
NAMED = re.compile(r"`(?:functions|infra)/")


def _shell_lines() -> Iterator[str]:
    for page in PAGES:
        for block in blocks(page, "sh", "console"):
            for line in block.replace("\\\n", " ").splitlines():
                yield line.removeprefix("$ ").partition(" #")[0].strip()


def _inline() -> Iterator[str]:
    for page in PAGES:
        for paragraph in prose(page).split("\n\n"):
            for code in re.findall(r"`([^`]+)`", paragraph):
                yield " ".join(code.split())


LINES = sorted({*_shell_lines(), *_inline()})
COMMANDS = [line for line in LINES if re.match(r"cutout [a-z]", line)]
TARGETS = sorted({one for line in LINES for one in re.findall(r"make ([a-z][a-z0-9-]*)", line)})
MODULES = sorted({one for line in LINES for one in re.findall(r"python -m ([\w.]+)", line)})
SETTINGS = sorted({one for line in LINES for one in re.findall(r"-c (\w+)=(?!value)", line)})
FILES = sorted(
    {
        path
        for line in LINES
        for path in re.findall(
            r"(?<![\w./])(?:functions|infra|tests|events|\.github)/[\w./-]*", line
        )
        if path.endswith("/") or PurePosixPath(path).suffix
    }
)
LINKS = sorted({(page, link) for page in PAGES for link in links(page)})


@pytest.mark.parametrize("line", COMMANDS)
def test_each_command_on_a_page_is_valid(line: str) -> None:
    """Its name, its options and the number of arguments."""
    _program, name, *arguments = shlex.split(line)
    command = cli.get_command(click.Context(cli), name)
    assert command is not None, f"there is no command {name}"
    while isinstance(command, click.Group) and arguments:
        name = arguments.pop(0)
        command = command.commands[name]
    context = command.make_context(name, [], resilient_parsing=True)
    _values, rest, _order = command.make_parser(context).parse_args(arguments)
    assert rest == []


def test_no_page_installs_the_other_project_of_this_name() -> None:
    """On PyPI, `cutout` is another project; the package is `cutout-aws`."""
    wrong = r"(install|uvx|pipx run) +['\"]?cutout\b[^-/_]|\bcutout\["
    listed = subprocess.run(  # noqa: S603 - our own pattern
        ["git", "grep", "-nIE", wrong],  # noqa: S607 - the git of this machine
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert [line for line in listed.stdout.splitlines() if "test_pages.py" not in line] == []


@pytest.mark.parametrize("target", TARGETS)
def test_each_make_target_exists(target: str) -> None:
    """Copied from the page, it works."""
    assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)


@pytest.mark.parametrize("module", MODULES)
def test_each_module_run_on_a_page_exists(module: str) -> None:
    """As a module or as a package with a `__main__`."""
    assert importlib.util.find_spec(module)


@pytest.mark.parametrize("name", SETTINGS)
def test_each_setting_on_a_page_exists(name: str) -> None:
    """`-c name=value` refuses other names."""
    assert name in Settings.names()


@pytest.mark.parametrize("path", FILES)
def test_each_file_named_on_a_page_exists(path: str) -> None:
    """In commands and in the recipes for changes; folders end in a slash."""
    assert (ROOT / path).is_dir() if path.endswith("/") else (ROOT / path).is_file()


def test_each_recipe_for_a_change_names_the_files_to_touch() -> None:
    """Twelve kinds of change."""
    recipes = re.findall(r"^## (.+)$", PAGES[CONTRIBUTING], re.MULTILINE)
    without = [one for one in recipes if not NAMED.search(section(CONTRIBUTING, one))]
    assert (len(recipes), without) == (12, [])


PYTHON = sorted(
    {
        (module, name)
        for page in PAGES
        for block in blocks(page, "python")
        for module, name in re.findall(r"^from (cutout\S+) import (\w+)$", block, re.MULTILINE)
    }
)


@pytest.mark.parametrize(("module", "name"), PYTHON)
def test_each_name_imported_on_a_page_exists(module: str, name: str) -> None:
    """The wheel holds `infra` as `cutout.infra`."""
    assert hasattr(importlib.import_module(module.removeprefix("cutout.")), name)


@pytest.mark.parametrize(("page", "link"), LINKS)
def test_each_link_leads_to_a_file_and_an_anchor_of_the_project(page: str, link: str) -> None:
    """Relative to its page; links to other sites are not checked."""
    if link.startswith("https://"):
        return
    path, _, anchor = link.partition("#")
    target = (ROOT / page).parent / path if path else ROOT / page
    assert target.exists()
    if anchor:
        assert anchor in anchors(target.resolve().relative_to(ROOT).as_posix())


def test_each_section_named_in_the_code_exists() -> None:
    """Messages refer to pages by `path#anchor`."""
    sources = [*(ROOT / "functions").rglob("*.py"), *(ROOT / "infra" / "monitoring").rglob("*.py")]
    found = {
        (page, anchor)
        for path in sources
        for page, anchor in re.findall(r"([\w./]+\.md)#([\w-]+)", path.read_text(encoding="utf-8"))
    }
    assert found
    assert [one for one in found if one[1] not in anchors(one[0])] == []


def test_every_page_can_be_reached_from_the_first() -> None:
    """By links from page to page."""
    reached, new = {"README.md"}, ["README.md"]
    while new:
        page = new.pop()
        for link in links(page):
            path = (ROOT / page).parent / link.partition("#")[0]
            name = path.resolve().relative_to(ROOT).as_posix() if path.is_file() else ""
            if name in PAGES and name not in reached:
                reached.add(name)
                new.append(name)
    assert reached == set(PAGES)


def test_the_top_level_has_few_entries() -> None:
    """Besides files whose names start with a dot."""
    listed = subprocess.run(
        ["git", "ls-tree", "--name-only", "HEAD"],  # noqa: S607 - the git of this machine
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert {name for name in listed.stdout.split() if not name.startswith(".")} == {
        "LICENSE",
        "Makefile",
        "README.md",
        "events",
        "functions",
        "infra",
        "pyproject.toml",
        "requirements",
        "tests",
    }


def test_the_first_page_is_short_and_starts_with_a_picture() -> None:
    """A newcomer sees the result before the explanations."""
    lines = PAGES["README.md"].splitlines()
    assert len(lines) < 250
    assert any(line.startswith("![") for line in lines[:15])


def test_every_picture_is_on_a_page() -> None:
    """`.readme/` has no others."""
    shown = {(ROOT / page).parent / link for page in PAGES for link in links(page)}
    pictures = {path.resolve() for path in shown if path.parent.name == ".readme"}
    assert pictures == set((ROOT / ".readme").iterdir())


@pytest.mark.parametrize("page", generated())
def test_each_generated_part_is_up_to_date(page: str) -> None:
    """`make reference` writes it."""
    assert PAGES[page] == generated()[page]


def test_every_setting_is_in_the_table() -> None:
    """And no others."""
    told = re.findall(r"^\| `(\w+)` \|", section("infra/README.md", "Settings"), re.MULTILINE)
    assert told == Settings.names()


def test_every_option_of_a_recipe_is_in_the_table() -> None:
    """In the order of its fields."""
    told = re.findall(r"^\| `(\w+)` \|", section("infra/README.md", "Variants"), re.MULTILINE)
    assert told == [one.name for one in fields(Recipe)]


def test_every_command_has_its_section() -> None:
    """In the order of the command line's own help."""
    told = re.findall(r"^## (.+)$", PAGES[COMMANDS_PAGE], re.MULTILINE)
    assert told == cli.list_commands(click.Context(cli))


def test_every_state_is_in_the_table() -> None:
    """In the order of a job's life."""
    table = section("functions/README.md", "States")
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == [state.value for state in State]
