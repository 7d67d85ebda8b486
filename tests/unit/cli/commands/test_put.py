"""`cutout put`."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from threading import Event

import pytest

from cutout.cli.photo_files import PhotoFile, SentPhoto
from cutout.domain.job.result import Reuse
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.support.cli.interrupting import interrupted_once_b_is_done
from tests.support.cli.jobs import PNG, WAY, make_job
from tests.support.cli.stack import FakeStack
from tests.support.cli.world import World


def test_photos_are_uploaded_tracked_and_their_cut_outs_downloaded(world: World) -> None:
    """The output is a table."""
    photo = world.photo("a.jpg")

    result = world.run("put", photo, "--out", world.folder / "cut")

    assert result.exit_code == 0
    assert world.stack.store.uploaded == [
        PhotoFile(path=photo, key="a.jpg", content_type="image/jpeg")
    ]
    assert (world.folder / "cut/a.png").read_bytes() == PNG
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["photo", "state", "seconds", "credits", "result"],
        ["a.jpg", "completed", "4.0", "5.4", str(world.folder / "cut/a.png")],
    ]


def test_every_state_is_printed_without_a_terminal(world: World) -> None:
    """Where a live table cannot be shown."""
    result = world.run("put", world.photo("a.jpg"))
    told = [line.split()[-1] for line in result.stderr.splitlines()[1:]]
    assert told == ["queued", "submitting", "processing", "storing", "completed"]


def test_the_cut_outs_of_a_folder_keep_its_structure(world: World) -> None:
    """Results have the structure of the photos."""
    world.photo("photos/shoes/a.jpg")
    world.photo("photos/b.jpg")

    assert world.run("put", world.folder / "photos", "--out", "cut").exit_code == 0

    cut = world.folder / "cut"
    found = sorted(path.relative_to(cut).as_posix() for path in cut.rglob("*.png"))
    assert found == ["photos/b.png", "photos/shoes/a.png"]


def test_a_photo_that_is_not_completed_fails_the_command(world: World) -> None:
    """The others are downloaded, and the table has the reason."""
    rejected = make_job("b.jpg", state=State.REJECTED, reason=Reason.NOT_A_PHOTO)
    world.stack = FakeStack(ends={"b.jpg": rejected})

    result = world.run("put", world.photo("a.jpg"), world.photo("b.jpg"))

    assert result.exit_code == 1
    assert (world.folder / "out/a.png").exists()
    assert "not-a-photo" in result.stdout


def test_a_file_that_cannot_be_uploaded_does_not_stop_the_others(world: World) -> None:
    """It is named with the reason, and the command fails in the end."""
    there, gone = world.photo("a.jpg"), world.photo("b.jpg")
    upload = world.stack.upload

    def deny(photo: PhotoFile) -> SentPhoto:
        if photo.key == "b.jpg":
            raise PermissionError(13, "Permission denied", str(gone))
        return upload(photo)

    world.stack.upload = deny  # type: ignore[method-assign]
    result = world.run("put", gone, there)
    assert result.exit_code == 1
    assert f"b.jpg: {gone}: Permission denied." in result.stderr
    assert (world.folder / "out/a.png").read_bytes() == PNG
    assert "a.jpg" in result.stdout
    assert world.run("put", gone, there, "--no-wait").exit_code == 1


def test_if_no_photo_can_be_uploaded_the_first_problem_is_the_error(world: World) -> None:
    """There is nothing to wait for."""
    photos = [world.photo("a.jpg"), world.photo("b.jpg")]

    def deny(photo: PhotoFile) -> SentPhoto:
        raise PermissionError(13, "Permission denied", str(photo.path))

    world.stack.upload = deny  # type: ignore[method-assign]
    result = world.run("put", *photos)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("Permission denied.") == 1
    assert f"Error: {photos[0]}: Permission denied." in result.stderr


def test_a_cut_out_that_cannot_be_written_does_not_stop_the_others(world: World) -> None:
    """For example if a folder has the file's name, or the disk is full."""
    (world.folder / "out/b.png").mkdir(parents=True)
    download = world.stack.store.download

    def write(key: str, target: Path) -> None:
        if target.is_dir():
            raise IsADirectoryError(21, "Is a directory", str(target))
        download(key, target)

    world.stack.store.download = write  # type: ignore[method-assign]
    result = world.run("put", world.photo("b.jpg"), world.photo("a.jpg"))
    assert result.exit_code == 1
    assert "b.png: Is a directory." in result.stderr
    assert (world.folder / "out/a.png").read_bytes() == PNG


def test_keys_start_with_the_watched_prefix(world: World) -> None:
    """Uploads elsewhere would not be processed."""
    world.stack.watch("in/")
    world.run("put", world.photo("a.jpg"))
    assert [photo.key for photo in world.stack.store.uploaded] == ["in/a.jpg"]


def test_another_prefix_can_be_chosen(world: World) -> None:
    """If the stack does not watch it, a warning is printed before waiting."""
    world.stack.watch("in/")
    told = world.run("put", world.photo("a.jpg"), "--prefix", "").stderr
    assert [photo.key for photo in world.stack.store.uploaded] == ["a.jpg"]
    assert "The stack does not watch a.jpg: it stores such uploads and makes no job." in told
    assert "not watch" not in world.run("put", world.folder / "a.jpg", "--prefix", "in/x/").stderr


def test_no_wait_uploads_and_ends(world: World) -> None:
    """The keys are printed; the jobs table is not read."""
    result = world.run("put", world.photo("a.jpg"), "--no-wait")
    assert (result.exit_code, result.stdout) == (0, "a.jpg\n")
    assert world.stack.table.looks == 0


def test_no_wait_prints_the_job_ids_as_json(world: World) -> None:
    """For later queries."""
    result = world.run("put", world.photo("a.jpg"), "--no-wait", "--json")
    assert json.loads(result.stdout) == [{"key": "a.jpg", "job": "job-of-a.jpg"}]


def test_a_time_limit_fails_the_command_with_the_current_states(world: World) -> None:
    """A photo without a job is shown as such."""
    world.stack = FakeStack(unseen=["a.jpg"])
    result = world.run("put", world.photo("a.jpg"), "--timeout", "5")
    assert result.exit_code == 1
    assert "not picked up" in result.stdout


def test_a_dry_run_uploads_nothing_and_shows_the_price(world: World) -> None:
    """Only the watched prefix is read from the stack."""
    photo = world.photo("a.jpg")
    result = world.run("put", photo, world.photo("b.jpg"), "--dry-run")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == f"{photo} -> a.jpg"
    assert "2 photos on a made-up stack: at most 10.8 credits, about $0.16" in result.stderr
    assert result.stderr.endswith("Dry run: nothing was uploaded.\n")
    assert world.stack.store.uploaded == []


def test_json_has_each_job_with_its_files(world: World) -> None:
    """Standard output has nothing else."""
    photo = world.photo("a.jpg")
    (told,) = json.loads(world.run("put", photo, "--json").stdout)
    assert (told["state"], told["photo"], told["file"]) == ("completed", str(photo), "out/a.png")


def test_a_folder_without_photos_is_an_error(world: World) -> None:
    """Skipped files are listed."""
    world.photo("docs/readme.txt")
    result = world.run("put", world.folder / "docs")
    assert result.exit_code == 1
    assert "Skipped, not images by their names: readme.txt" in result.stderr
    assert "These files and folders contain no photos." in result.stderr


def test_a_missing_file_is_a_usage_error(world: World) -> None:
    """Click reports it, with the status 2."""
    assert world.run("put", world.folder / "nothing.jpg").exit_code == 2


def test_a_result_key_cannot_leave_the_chosen_folder(world: World) -> None:
    """Even if the stack returned one that tries to."""
    world.stack = FakeStack(ends={"a.jpg": make_job("../../a.jpg")})
    assert world.run("put", world.photo("a.jpg"), "--out", "cut").exit_code == 0
    assert [path.name for path in world.folder.parent.glob("*.png")] == []
    assert (world.folder / "cut/__/__/a.png").exists()


def test_fresh_uploads_bypass_the_cache(world: World) -> None:
    """They are paid for again."""
    world.run("put", world.photo("a.jpg"), "--fresh", "--no-wait")
    world.run("put", world.photo("b.jpg"), "--no-wait")
    assert [photo.bypass_cache for photo in world.stack.store.uploaded] == [True, False]


def test_a_reused_result_is_shown_as_such(world: World) -> None:
    """In the table and in the JSON."""
    reused = replace(make_job("a.jpg"), attempts=(), reused=REUSED)
    world.stack = FakeStack(ends={"a.jpg": reused})
    told = world.run("put", world.photo("a.jpg"))
    assert told.stdout.splitlines()[1].split()[3] == "reused"
    told = world.run("put", world.photo("a.jpg"), "--json")
    (one,) = json.loads(told.stdout)
    assert (one["credits"], one["reused"]) == (0, {"job": "b" * 32, "credits_saved": 5.4})


REUSED = Reuse(
    job_id="b" * 32,
    key="kept/x.png",
    sha256="ab" * 32,
    task_id="task-1",
    credits_saved=Decimal("5.4"),
)


def test_a_name_that_is_not_utf_8_does_not_stop_the_other_photos(world: World) -> None:
    """The command names it, uploads the others, and fails in the end."""
    world.photo("photos/a.jpg")
    Path(os.fsdecode(os.fsencode(world.folder) + b"/photos/latin\xe9.jpg")).write_bytes(b"x")
    told = world.run("put", world.folder / "photos")
    assert (told.exit_code, [one.key for one in world.stack.store.uploaded]) == (
        1,
        ["photos/a.jpg"],
    )
    assert "Skipped, as their names are not UTF-8, as keys are: latin\\xe9.jpg" in told.stderr


def test_skipped_files_are_listed(world: World) -> None:
    """They may be mistakes."""
    world.photo("photos/a.jpg")
    world.photo("photos/notes.txt")
    (world.folder / "photos/all").symlink_to(world.folder / "photos")
    told = world.run("put", world.folder / "photos").stderr
    assert "Skipped, not images by their names: notes.txt" in told
    assert "Skipped, links to folders or to nothing: all" in told


def test_nothing_is_uploaded_if_cut_outs_cannot_be_written(world: World) -> None:
    """They would be paid for and then not saved."""
    (world.folder / "cut").write_text("a file where a folder was meant")
    photo = world.photo("a.jpg")
    result = world.run("put", photo, "--out", world.folder / "cut" / "deep")
    assert result.exit_code == 1
    assert "cut/deep: Not a directory." in result.stderr
    assert world.stack.store.uploaded == []


def test_each_cut_out_is_downloaded_as_soon_as_it_exists(world: World) -> None:
    """Not only when the last photo is settled; Ctrl-C prints what is done and what remains."""
    world.stack = FakeStack(ends={"b.jpg": make_job("b.jpg", state=State.PROCESSING)})
    is_there = Event()
    download, sleep = world.stack.store.download, world.stack.clock.sleep

    def downloaded(key: str, target: Path) -> None:
        download(key, target)
        is_there.set()

    def interrupted(seconds: float) -> None:
        if world.stack.table.looks > len(WAY):
            assert is_there.wait(30)
            raise KeyboardInterrupt
        sleep(seconds)

    world.stack.store.download = downloaded  # type: ignore[method-assign]
    world.stack.clock.sleep = interrupted  # type: ignore[method-assign]
    result = world.run("put", world.photo("a.jpg"), world.photo("b.jpg"), "--out", "my cut")
    assert result.exit_code == 1
    assert (world.folder / "my cut/a.png").read_bytes() == PNG
    told = result.stderr.splitlines()
    assert "Interrupted: 1 of 2 photos completed. The stack goes on with 1 photo." in told
    files = f"{world.folder}/a.jpg {world.folder}/b.jpg"
    assert f"`cutout get {files} --out 'my cut'` downloads the cut-outs" in result.stderr
    assert f"`cutout put {files} --out 'my cut'` also waits" in result.stderr


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        ((), "The same command uploads the others, and pays for nothing twice."),
        (("--fresh",), "With --fresh, the same command pays for them again"),
    ],
)
def test_an_interrupted_upload_prints_the_progress(
    world: World, options: tuple[str, ...], advice: str
) -> None:
    """And how to upload the others without paying for the first again."""
    world.stack.upload = interrupted_once_b_is_done(  # type: ignore[method-assign]
        world.stack.upload, lambda photo: photo.key
    )
    result = world.run("put", world.photo("a.jpg"), world.photo("b.jpg"), *options)
    assert result.exit_code == 1
    assert "Interrupted: 1 of 2 photos uploaded." in result.stderr
    assert advice in result.stderr


def test_a_photo_that_does_not_change_is_waited_for_half_an_hour(world: World) -> None:
    """A request with unknown outcome takes 20 minutes."""
    world.stack = FakeStack(ends={"b.jpg": make_job("b.jpg", state=State.PROCESSING)})
    result = world.run("put", world.photo("a.jpg"), world.photo("b.jpg"))
    assert result.exit_code == 1
    assert 1800 <= world.stack.clock.elapsed < 1810
    assert "The time is up: 1 of 2 photos completed. The stack goes on" in result.stderr


def test_a_time_limit_replaces_the_half_hour(world: World) -> None:
    """However long nothing changes."""
    world.stack = FakeStack(ends={"a.jpg": make_job("a.jpg", state=State.PROCESSING)})
    world.run("put", world.photo("a.jpg"), "--timeout", "7200")
    assert 7200 <= world.stack.clock.elapsed < 7210


def test_an_existing_cut_out_is_not_downloaded_again(world: World) -> None:
    """Its bytes are compared."""
    world.photo("out/a.png", PNG)
    assert world.run("put", world.photo("a.jpg")).exit_code == 0
    assert world.stack.store.downloaded == []
