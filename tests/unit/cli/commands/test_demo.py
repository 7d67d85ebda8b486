"""`cutout demo`."""

from __future__ import annotations

import json

import pytest

from cutout.cli.options.shared_options import Choice
from cutout.cli.output.problems import Problem
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from infra.local.lifecycle import CloudStatus
from infra.local.local_cloud_error import LocalCloudError
from infra.local.provider_server import evolink
from infra.local.start import CloudRequest
from tests.support.cli.jobs import PNG, make_job
from tests.support.cli.stack import FakeStack
from tests.support.cli.world import World


def test_the_demo_runs_from_start_to_end_and_stops_everything(world: World) -> None:
    """Up, photos, down; cut-outs and the contact sheet stay."""
    result = world.run("demo", world.photo("a.jpg"), "--out", "cut")

    assert result.exit_code == 0
    assert world.local.calls == ["up for a while", "down"]
    assert (world.folder / "cut/a.png").read_bytes() == PNG
    assert "<title>1 photo, cut out</title>" in (world.folder / "cut/index.html").read_text()
    assert result.stdout.splitlines()[1].split() == [
        "a.jpg",
        "completed",
        "4.0",
        "5.4",
        "cut/a.png",
    ]


def test_every_phase_is_shown_with_its_time(world: World) -> None:
    """In the order of their ends."""
    result = world.run("demo", world.photo("a.jpg"))
    told = [line.split()[1:] for line in result.stderr.splitlines() if line.startswith("✓")]
    assert told == [
        ["cloud", "0.0", "s"],
        ["synth", "0.0", "s"],
        ["deploy", "0.0", "s"],
        ["photos", "1.6", "s", "1", "of", "1", "completed"],
        ["down", "0.0", "s"],
    ]


def test_the_photos_of_the_project_are_the_default(world: World) -> None:
    """Three real photos."""
    assert world.run("demo").exit_code == 0
    keys = [photo.key for photo in world.stack.store.uploaded]
    assert keys == ["astronaut.png", "chelsea.webp", "coffee.jpg"]


def test_a_photo_that_is_not_completed_fails_the_demo(world: World) -> None:
    """The local cloud is stopped nevertheless."""
    rejected = make_job("a.jpg", state=State.REJECTED, reason=Reason.NOT_A_PHOTO)
    world.stack = FakeStack(ends={"a.jpg": rejected})

    result = world.run("demo", world.photo("a.jpg"))

    assert result.exit_code == 1
    assert world.local.calls[-1] == "down"
    assert "not-a-photo" in (world.folder / "out/index.html").read_text()


def test_a_failed_start_shows_the_phase_and_the_reason(world: World) -> None:
    """With the end of the log and its place; no traceback."""
    world.local.fails_with = LocalCloudError("Deploying failed:\nno room", advice="See the log.")

    result = world.run("demo", world.photo("a.jpg"))

    assert (result.exit_code, result.stdout) == (1, "")
    assert "✗ cloud" in result.stderr
    assert result.stderr.endswith("Error: Deploying failed:\nno room\nSee the log.\n")


def test_the_cloud_is_stopped_after_any_error(world: World) -> None:
    """No process is left."""
    world.refuses = Problem("There is no such stack.")
    assert world.run("demo", world.photo("a.jpg")).exit_code == 1
    assert world.local.calls == ["up for a while", "down"]


def test_an_interrupted_demo_stops_the_cloud(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """With Ctrl-C while photos are processed."""

    def interrupted(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(world.stack.clock, "sleep", interrupted)

    result = world.run("demo", world.photo("a.jpg"))

    assert result.exit_code == 1
    assert world.local.calls == ["up for a while", "down"]
    assert "✗ photos" in result.stderr


def test_a_running_cloud_is_used_and_keeps_running(world: World) -> None:
    """It was started with `cutout up`."""
    world.local.now = CloudStatus.UP
    result = world.run("demo", world.photo("a.jpg"))
    assert result.exit_code == 0
    assert world.local.calls == []
    assert "Using the local cloud that is up" in result.stderr


@pytest.mark.parametrize(
    "options",
    [("-c", "max_in_flight=9"), ("--evolink-url", "http://localhost:9"), ("--stack", "Mine")],
)
def test_options_that_a_running_cloud_does_not_have_are_refused(
    world: World, options: tuple[str, ...]
) -> None:
    """They would have no effect."""
    world.local.now = CloudStatus.UP
    result = world.run("demo", world.photo("a.jpg"), *options)
    assert result.exit_code == 1
    assert "already up, with other settings" in result.stderr
    assert "`cutout down`" in result.stderr
    assert world.stack.store.uploaded == []


def test_a_cloud_started_live_spends_nothing_without_live(world: World) -> None:
    """The demo refuses it, with the reason and advice."""
    world.local.now, world.local.control_token = CloudStatus.UP, ""
    result = world.run("demo", world.photo("a.jpg"), "--yes")
    assert result.exit_code == 1
    assert "photos may cost credits there" in result.stderr
    assert "`cutout down`" in result.stderr
    assert world.stack.store.uploaded == []


def test_a_cloud_started_live_is_used_with_live(world: World) -> None:
    """After the price was confirmed."""
    world.environment["EVOLINK_API_KEY"] = "sk-1"
    world.local.now, world.local.control_token = CloudStatus.UP, ""
    request = CloudRequest(api=evolink("sk-1"))
    world.local.asked = request.asked
    assert world.run("demo", world.photo("a.jpg"), "--live", typed="y\n").exit_code == 0
    assert [photo.key for photo in world.stack.store.uploaded] == ["a.jpg"]


def test_a_second_demo_in_a_folder_is_refused(world: World) -> None:
    """The first one is not affected."""
    world.local.now = CloudStatus.BUSY
    result = world.run("demo", world.photo("a.jpg"))
    assert (result.exit_code, world.local.calls) == (1, [])
    assert "Another command is starting the local cloud" in result.stderr


def test_options_are_passed_to_the_cloud(world: World) -> None:
    """Settings, the stack's name, and another server instead of the API."""
    world.environment["EVOLINK_API_KEY"] = "sk-1"
    world.run(
        "demo",
        world.photo("a.jpg"),
        *("--stack", "Mine", "-c", "max_in_flight=9", "--evolink-url", "http://localhost:9/"),
    )
    (wish,) = world.local.wishes
    assert wish.asked == {
        "stack": "Mine",
        "max_in_flight": "9",
        "evolink_base_url": "http://localhost:9",
        "evolink_files_url": "http://localhost:9",
    }
    assert wish.api is not None
    assert wish.api.key == "sk-1"
    assert world.choices == [Choice(stack="Mine")]


def test_photos_are_uploaded_under_the_watched_prefix(world: World) -> None:
    """With `-c upload_prefix=in/`, other keys would never be processed."""
    world.stack.watch("in/")
    world.run("demo", world.photo("a.jpg"))
    assert [photo.key for photo in world.stack.store.uploaded] == ["in/a.jpg"]


def test_json_has_photos_phases_and_the_sheet(world: World) -> None:
    """Standard output has nothing else."""
    told = json.loads(world.run("demo", world.photo("a.jpg"), "--json").stdout)
    assert [photo["state"] for photo in told["photos"]] == ["completed"]
    assert list(told["phases"]) == ["cloud", "synth", "deploy", "photos", "down"]
    assert told["sheet"] == "out/index.html"


def test_live_asks_before_credits_are_spent(world: World) -> None:
    """Answering no spends nothing."""
    world.environment["EVOLINK_API_KEY"] = "sk-1"

    result = world.run("demo", world.photo("a.jpg"), "--live", typed="n\n")

    assert result.exit_code == 1
    assert "1 photo: about 5.4 credits. Continue?" in result.stderr
    assert world.local.calls == []


def test_live_without_a_terminal_needs_a_yes(world: World) -> None:
    """The question cannot be answered."""
    world.environment["EVOLINK_API_KEY"] = "sk-1"
    result = world.run("demo", world.photo("a.jpg"), "--live")
    assert (result.exit_code, world.local.calls) == (1, [])
    assert "Add `--yes` to spend them" in result.stderr


def test_live_with_yes_uses_the_real_api(world: World) -> None:
    """With the Files API and polling, since callbacks cannot reach a laptop."""
    world.environment["EVOLINK_API_KEY"] = "sk-1"

    assert world.run("demo", world.photo("a.jpg"), "--live", "--yes").exit_code == 0

    (wish,) = world.local.wishes
    assert wish.asked["input_transport"] == "files"
    assert "evolink_base_url" not in wish.asked


def test_live_without_a_key_is_an_error(world: World) -> None:
    """Nothing is started."""
    result = world.run("demo", world.photo("a.jpg"), "--live", "--yes")
    assert (result.exit_code, world.local.calls) == (1, [])
    assert "Create one at https://evolink.ai/dashboard/keys" in result.stderr
    assert "EVOLINK_API_KEY" in result.stderr


def test_live_and_another_server_exclude_each_other(world: World) -> None:
    """A usage error."""
    result = world.run("demo", "--live", "--evolink-url", "https://example.com")
    assert result.exit_code == 2
