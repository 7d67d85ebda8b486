from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from cutout.domain.messages.queue_messages import RenderRequest
from cutout.domain.states import State
from tests.support.cli.jobs import make_job
from tests.support.cli.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Two completed photos, and one that failed."""
    world = World(folder=tmp_path)
    done = [make_job("shoes/a.jpg"), make_job("hats/b.jpg")]
    world.stack.know(*done, make_job("shoes/c.jpg", state=State.FAILED))
    return world


def test_a_variant_of_a_photo_is_requested_and_waited_for(world: World) -> None:
    """The message names job and recipe; the table has the outcome."""
    told = world.run("render", "shoes/a.jpg", "--recipe", "market")
    assert told.exit_code == 0
    requests = [RenderRequest(job_id="job-of-shoes/a.jpg", recipes=("market",))]
    assert world.stack.renders.requests == requests
    assert "a.market.jpg" in told.stdout
    assert "20x10" in told.stdout


def test_a_prefix_selects_every_completed_photo_under_it(world: World) -> None:
    """Failed ones have no cut-out."""
    told = world.run("render", "--prefix", "shoes/", "--recipe", "web", "--json")
    assert told.exit_code == 0
    assert [one["photo"] for one in json.loads(told.stdout)] == ["shoes/a.jpg"]


def test_a_variant_that_cannot_be_made_is_shown_with_the_problem(world: World) -> None:
    """The others are made; the exit status is 1."""
    world.stack.renders.problems["web"] = "the margin leaves no room for the picture"
    told = world.run("render", "hats/b.jpg", "--recipe", "web", "--recipe", "market", "--json")
    assert told.exit_code == 1
    assert {one["recipe"]: one["problem"] for one in json.loads(told.stdout)} == {
        "web": "the margin leaves no room for the picture",
        "market": None,
    }


def test_waiting_ends_at_the_time_limit(world: World) -> None:
    """The variant is still made later."""
    world.stack.renders.never.add("web")
    told = world.run("render", "hats/b.jpg", "--recipe", "web", "--timeout", "3")
    assert told.exit_code == 1
    assert "not made yet" in told.stdout


def test_an_older_variant_is_not_taken_for_the_new_one(world: World) -> None:
    """Only variants made since the request count."""
    standing = world.stack.renders.make("web")
    world.stack.know(replace(make_job("hats/b.jpg"), variants=(standing,)))
    world.stack.renders.never.add("web")
    told = world.run("render", "hats/b.jpg", "--recipe", "web", "--timeout", "1", "--json")
    assert [one["problem"] for one in json.loads(told.stdout)] == ["not made yet"]


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("hats/b.jpg", "--recipe", "poster"), 1, "Its recipes are market, web."),
        (("nobody.jpg", "--recipe", "web"), 1, "There is no job of nobody.jpg"),
        (("shoes/c.jpg", "--recipe", "web"), 1, "variants are made from completed photos"),
        (("--recipe", "web"), 2, "Name a KEY or a --prefix"),
        (("a.jpg", "--prefix", "b", "--recipe", "web"), 2, "Name a KEY or a --prefix"),
    ],
)
def test_an_impossible_request_is_refused_at_once(
    world: World, arguments: tuple[str, ...], status: int, said: str
) -> None:
    """No message is sent."""
    told = world.run("render", *arguments)
    assert (told.exit_code, world.stack.renders.requests) == (status, [])
    assert said in told.stderr.replace("\n", " ")


def test_a_dry_run_of_render_sends_nothing(world: World) -> None:
    """It lists what would be made."""
    told = world.run("render", "--prefix", "", "--recipe", "web", "--dry-run")
    assert (told.exit_code, world.stack.renders.requests) == (0, [])
    assert "shoes/a.jpg: web" in told.stdout


def test_put_downloads_variants_too(world: World, tmp_path: Path) -> None:
    """Beside the cut-out, under their own keys."""
    photo = tmp_path / "a.jpg"
    photo.write_bytes(b"a photo")
    done = make_job("a.jpg")
    world.stack.table.ends["a.jpg"] = replace(done, variants=(world.stack.renders.make("web"),))
    told = world.run("put", str(photo), "--out", str(tmp_path / "out"), "--json")
    assert told.exit_code == 0
    files = json.loads(told.stdout)[0]["variant_files"]
    assert Path(files["web"]).read_bytes() == world.stack.store.cut_out
