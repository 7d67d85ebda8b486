"""Recipes are checked at synth; a refusal names the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from cutout.domain.recipes import (
    Fit,
    Length,
    Recipe,
    Shadow,
    read_recipes,
    recipes_for,
    write_recipes,
)
from cutout.domain.states import Pixels
from infra.settings import recipe_file
from infra.settings.settings import Settings
from infra.settings.value_rules import SettingError

WHOLE = """\
# What the shop wants.
[[recipe]]
name = "market"
prefix = "shoes/"
format = "jpg"
background = "#FFF"
trim = true
margin = "8%"
fit = "2000x1500"
quality = 90
shadow = { opacity = 0.3, blur = "2%", offset = ["-1%", 12] }
pixels = "source"
key = "market/{folder}{stem}.{ext}"

[[recipe]]
name = "web"
format = "webp"
margin = 40
"""


def read(tmp_path: Path, text: str, *, result_prefix: str = "") -> list[Recipe]:
    """The recipes of a file with this text."""
    file = tmp_path / "recipes.toml"
    file.write_text(text, encoding="utf-8")
    return recipe_file.read_recipes(file, result_prefix=result_prefix)


def test_runtime_reads_the_recipes_that_a_synth_writes(tmp_path: Path) -> None:
    """Every key has its meaning."""
    assert read_recipes(write_recipes(read(tmp_path, WHOLE))) == (
        Recipe(
            name="market",
            prefix="shoes/",
            format="jpg",
            background="#ffffff",
            trim=True,
            margin=Length(share=0.08),
            fit=Fit(width=2000, height=1500),
            quality=90,
            shadow=Shadow(
                opacity=0.3,
                blur=Length(share=0.02),
                right=Length(share=-0.01),
                down=Length(pixels=12),
            ),
            pixels=Pixels.SOURCE,
            key="market/{folder}{stem}.{ext}",
        ),
        Recipe(name="web", format="webp", margin=Length(pixels=40)),
    )


def test_recipe_applies_to_its_prefix(tmp_path: Path) -> None:
    """Without one, to every photo."""
    both = tuple(read(tmp_path, WHOLE))
    assert [one.name for one in recipes_for(both, "shoes/a.jpg")] == ["market", "web"]
    assert [one.name for one in recipes_for(both, "hats/a.jpg")] == ["web"]


def test_jpeg_has_a_white_background_by_default(tmp_path: Path) -> None:
    """It cannot be transparent."""
    (only,) = read(tmp_path, '[[recipe]]\nname = "a"\nformat = "jpeg"\n')
    assert (only.format, only.background) == ("jpg", "#ffffff")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('name = "Web Shop"', 'write name = "web"'),
        ('prefix = "/shoes"', 'write prefix = "shoes/"'),
        ('format = "gif"', "png, webp, avif or jpg"),
        ('background = "beige"', 'write background = "#ffffff"'),
        ('trim = "yes"', "write trim = true"),
        ('margin = "60%"', 'write margin = "5%" or 40'),
        ("margin = -1", 'write margin = "5%" or 40'),
        ('fit = "2000"', 'write fit = "2000x2000"'),
        ('fit = "0x10"', 'write fit = "2000x2000"'),
        ('fit = "16000x16000"', "at most 50,000,000 pixels"),
        ("quality = 101", "from 1 to 100"),
        ("quality = true", "from 1 to 100"),
        ("quality = 80", "png loses nothing"),
        ('pixels = "mine"', "model or source"),
        ("shadow = true", "shadow must be a table"),
        ("shadow = { colour = 1 }", "a shadow has no colour"),
        ("shadow = { opacity = 2 }", "write opacity = 0.3"),
        ("shadow = { offset = 3 }", "two lengths"),
        ("crop = true", "a recipe has no crop"),
        ('key = "{folder}{stem}.png"', "end in .{ext}"),
        ('key = "{stem}.{ext}"', "no two photos share one"),
        ('key = "../{folder}{stem}.{ext}"', "must stay among the results"),
        ('key = "a/./{folder}{stem}.{ext}"', "must stay among the results"),
        ('key = "/{folder}{stem}.{ext}"', "must stay among the results"),
        ('key = "{folder}/{stem}.{ext}"', "must stay among the results"),
        ('key = "{folder}{stem}{size}.{ext}"', "not {size}"),
        ('key = "{folder}{stem!r}.{ext}"', "plain names in braces"),
        ('key = "{folder}{stem.{ext}"', "not a template"),
        ('key = "{folder}{stem}.{ext}"', "the key of the cut-out itself"),
        ('key = "review/{folder}{stem}.{ext}"', "where results wait for a person"),
    ],
)
def test_wrong_value_is_refused_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    """With the file, and what to write instead."""
    own_name = "" if line.startswith("name") else 'name = "a"\n'
    text = f'[[recipe]]\nname = "first"\n\n# the second\n[[recipe]]\n{own_name}{line}\n'
    with pytest.raises(SettingError) as refused:
        read(tmp_path, text)
    assert str(refused.value).startswith(f"recipes.toml:{6 + bool(own_name)}: ")
    assert said in str(refused.value)


_NAMED = '# Söhne\n[[recipe]]\nname = "web"\nprefix = "Söhne/"\n'


def test_byte_order_mark_is_not_part_of_the_text(tmp_path: Path) -> None:
    """Windows' editors write one."""
    file = tmp_path / "recipes.toml"
    file.write_bytes(_NAMED.encode("utf-8-sig"))
    assert [one.prefix for one in recipe_file.read_recipes(file)] == ["Söhne/"]


@pytest.mark.parametrize(
    ("written_as", "said"),
    [
        ("latin-1", "recipes.toml:1: the encoding of this file looks like Latin-1"),
        ("cp1252", "recipes.toml:1: the encoding of this file looks like Latin-1 or Windows-1252"),
        ("utf-16", "recipes.toml:1: the encoding of this file looks like UTF-16"),
        ("utf-16-le", "recipes.toml:1: the encoding of this file looks like UTF-16"),
        ("utf-32", "recipes.toml:1: the encoding of this file looks like UTF-32"),
    ],
)
def test_file_of_another_encoding_is_refused_with_advice(
    tmp_path: Path, written_as: str, said: str
) -> None:
    """With what to do about it."""
    file = tmp_path / "recipes.toml"
    file.write_bytes(_NAMED.encode(written_as))
    with pytest.raises(SettingError) as refused:
        recipe_file.read_recipes(file)
    assert str(refused.value).startswith(said)
    assert str(refused.value).endswith("TOML is UTF-8: save it as UTF-8 in your editor")


def test_invalid_byte_is_reported_with_its_line(tmp_path: Path) -> None:
    """It was pasted into a file of plain ASCII."""
    file = tmp_path / "recipes.toml"
    file.write_bytes(b'[[recipe]]\nname = "web"\nprefix = "S\xf6hne/"\n')
    with pytest.raises(SettingError, match=r"^recipes\.toml:3: "):
        recipe_file.read_recipes(file)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[recipe]]\ntrim = true\n", "recipes.toml:1: a recipe needs a name"),
        ("[[recipe]]\nname = \n", "this is not TOML"),
        ('[recipe]\nname = "a"\n', "with two brackets"),
        ('\n[[recipes]]\nname = "a"\n', "recipes.toml:2: there is nothing called recipes"),
        (
            '[[recipe]]\nname = "a"\n[[recipe]]\nname = "a"\nprefix = "b/"\n',
            "recipes.toml:4: the name 'a' is used twice for these photos",
        ),
        (
            (
                '[[recipe]]\nname = "a"\nkey = "x/{folder}{stem}.{ext}"\n'
                '[[recipe]]\nname = "b"\nkey = "x/{folder}{stem}.{ext}"\n'
            ),
            "recipes.toml:6: the recipe a writes to the same key",
        ),
        (
            '[[recipe]]\nname = "a"\ntrim = true\n[recipe.shadow]\nopacity = 0.5\n',
            "recipes.toml:4: a shadow needs room",
        ),
        (
            '[[recipe]]\nname = "a"\n[recipe.shadow]\nblur = "2"\n',
            "recipes.toml:4: shadow.blur must be pixels",
        ),
    ],
)
def test_contradicting_recipes_are_refused(tmp_path: Path, text: str, said: str) -> None:
    """Before anything is deployed."""
    with pytest.raises(SettingError) as refused:
        read(tmp_path, text)
    assert said in str(refused.value)


def test_recipes_of_separate_prefixes_can_have_one_name(tmp_path: Path) -> None:
    """Shoes and hats each have a market of their own."""
    text = "".join(f'[[recipe]]\nname = "m"\nprefix = "{one}/"\n' for one in ("shoes", "hats"))
    assert [one.prefix for one in read(tmp_path, text)] == ["shoes/", "hats/"]


def test_recipe_can_use_the_folder_for_reviews_if_there_is_a_result_prefix(tmp_path: Path) -> None:
    """Results are under the prefix then, and doubtful ones beside it."""
    text = '[[recipe]]\nname = "a"\nkey = "review/{folder}{stem}.{ext}"\n'
    assert len(read(tmp_path, text, result_prefix="cut/")) == 1


def test_deployment_without_a_recipe_file_has_no_recipes(tmp_path: Path) -> None:
    """A file that is named must exist."""
    assert recipe_file.recipes_of(Settings(), tmp_path) == []
    with pytest.raises(SettingError, match="there is no file"):
        recipe_file.recipes_of(Settings(recipes="mine.toml"), tmp_path)
    (tmp_path / "recipes.toml").write_text('[[recipe]]\nname = "a"\n')
    assert [one.name for one in recipe_file.recipes_of(Settings(), tmp_path)] == ["a"]
