"""`cutout get`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from cutout.domain.job.result import Variant
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.support.cli.clock import NOON
from tests.support.cli.interrupting import interrupted_once_b_is_done
from tests.support.cli.jobs import PNG, RESULTS, UPLOADS, make_job
from tests.support.cli.uploads import in_bucket, processed
from tests.support.cli.world import World


def files_in(folder: Path) -> list[str]:
    """The files in a folder, at any depth."""
    return sorted(it.relative_to(folder).as_posix() for it in folder.rglob("*") if it.is_file())


def rows(stdout: str) -> list[list[str]]:
    """The words of each photo's line."""
    return [line.split() for line in stdout.splitlines()[1:]]


def test_the_cut_out_of_a_key_is_downloaded(world: World) -> None:
    """Under the folders of its key; nothing is uploaded, retried or paid for."""
    processed(world, "shoes/a.jpg")
    result = world.run("get", "shoes/a.jpg", "--out", "cut")
    assert result.exit_code == 0
    assert (world.folder / "cut/shoes/a.png").read_bytes() == PNG
    assert rows(result.stdout) == [["shoes/a.jpg", "completed", "cut/shoes/a.png"]]
    assert result.stderr == "1 file downloaded, 0 there already.\n"
    assert world.stack.store.uploaded == []
    assert world.stack.submissions.job_ids == []


@pytest.mark.parametrize("name", ["shoes/", "s3://the-uploads/shoes/", "shoes"])
def test_a_prefix_selects_all_its_photos(world: World, name: str) -> None:
    """Only watched keys; others have no cut-outs."""
    for key in ("shoes/a.jpg", "shoes/b/c.jpg", "bags/d.jpg"):
        processed(world, key)
    in_bucket(world, "shoes/", size=0)
    result = world.run("get", name)
    assert result.exit_code == 0
    assert files_in(world.folder / "out") == ["shoes/a.png", "shoes/b/c.png"]


def test_files_select_the_keys_that_put_gives_them(world: World) -> None:
    """Under the watched prefix, or another."""
    for key in ("in/a.jpg", "in/photos/b.jpg", "x/a.jpg"):
        processed(world, key)
    world.stack.watch("in/")
    file, _ = world.photo("elsewhere/a.jpg"), world.photo("photos/b.jpg")
    world.run("get", file, "photos", "--out", "1")
    assert files_in(world.folder / "1") == ["in/a.png", "in/photos/b.png"]
    world.run("get", file, "--prefix", "x/", "--out", "2")
    assert files_in(world.folder / "2") == ["x/a.png"]


def test_a_key_takes_precedence_over_a_file_of_that_name(world: World) -> None:
    """`put` gives the file shoes/a.jpg the key a.jpg."""
    processed(world, "shoes/a.jpg")
    processed(world, "a.jpg")
    world.photo("shoes/a.jpg")
    world.run("get", "shoes/a.jpg")
    assert files_in(world.folder / "out") == ["shoes/a.png"]


def test_existing_files_are_kept_and_the_rest_is_downloaded(world: World) -> None:
    """So an interrupted run can continue; a different file of that name is replaced."""
    for key in ("a.jpg", "b.jpg", "c.jpg"):
        processed(world, key)
    world.run("get", "a.jpg")
    world.photo("out/b.png", b"an older cut-out")
    result = world.run("get", "a.jpg", "b.jpg", "c.jpg", "a.jpg")
    assert result.exit_code == 0
    assert sorted(world.stack.store.downloaded) == ["a.png", "b.png", "c.png"]
    assert (world.folder / "out/b.png").read_bytes() == PNG
    assert result.stderr == "2 files downloaded, 1 there already.\n"


def test_photos_without_a_cut_out_are_listed_and_fail_the_command(world: World) -> None:
    """With their states; the others are downloaded."""
    processed(world, "a.jpg")
    processed(world, "b.jpg", State.FAILED, reason=Reason.TASK_FAILED)
    processed(world, "c.jpg", State.PROCESSING)
    in_bucket(world, "d.jpg")
    result = world.run("get", "a.jpg", "b.jpg", "c.jpg", "d.jpg", world.photo("e.jpg"))
    assert result.exit_code == 1
    assert rows(result.stdout) == [
        ["a.jpg", "completed", "out/a.png"],
        ["b.jpg", "failed", "task-failed", "(code:", "message)"],
        ["c.jpg", "processing", "code:", "message"],
        ["d.jpg", "unknown", "no", "job:", "missing"],
        ["e.jpg", "unknown", "not", "in", "the", "uploads", "bucket"],
    ]
    assert "4 photos without a cut-out" in result.stderr


def test_an_unknown_name_is_an_error(world: World) -> None:
    """Before anything is downloaded; so is another bucket."""
    processed(world, "a.jpg")
    result = world.run("get", "a.jpg", "aa.jpg")
    assert result.exit_code == 1
    assert (
        "aa.jpg is no key and no prefix of keys in the-uploads, and no file here." in result.stderr
    )
    assert "Did you mean a.jpg?" in result.stderr
    assert not (world.folder / "out").exists()
    assert world.run("get", "s3://another/a.jpg").exit_code == 1


def test_variants_are_downloaded_with_their_cut_outs(world: World) -> None:
    """Those that were made."""
    job = processed(world, "a.jpg")
    made = Variant(recipe="web", format="jpg", made_at=NOON, key="a.web.jpg")
    none = Variant(recipe="big", format="jpg", made_at=NOON, problem="too big")
    world.stack.know(replace(job, variants=(made, none)))
    (one,) = json.loads(world.run("get", "a.jpg", "--json").stdout)
    assert files_in(world.folder / "out") == ["a.png", "a.web.jpg"]
    assert (one["state"], one["file"]) == ("completed", "out/a.png")
    assert one["variant_files"] == {"web": "out/a.web.jpg"}


def test_a_cut_out_whose_job_has_expired_is_downloaded(world: World) -> None:
    """Its metadata names the upload."""
    listed = in_bucket(world, "a.jpg")
    results = world.stack.bucket(RESULTS)
    results.add("a.png")
    results.metadata["a.png"] = {
        "cutout-job": listed.source(UPLOADS).job_id,
        "cutout-source-version": "v1",
    }
    (one,) = json.loads(world.run("get", "a.jpg", "--json").stdout)
    assert (one["key"], one["state"], one["file"]) == ("a.jpg", "completed", "out/a.png")


def test_an_error_of_one_photo_does_not_stop_the_others(world: World) -> None:
    """A cut-out was deleted."""
    processed(world, "a.jpg")
    processed(world, "b.jpg")
    download = world.stack.store.download

    def refuse(key: str, target: Path) -> None:
        if key == "a.png":
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": "gone"}}, "GetObject")
        download(key, target)

    world.stack.store.download = refuse  # type: ignore[method-assign]
    result = world.run("get", "a.jpg", "b.jpg")
    assert result.exit_code == 1
    assert "AWS refused" in result.stdout
    assert files_in(world.folder / "out") == ["b.png"]


def test_nothing_is_written_outside_the_folder(world: World) -> None:
    """Neither by a key with dots nor through a link in the folder."""
    job = make_job("../../a.jpg")
    listed = in_bucket(world, "a.jpg")
    source = listed.source(UPLOADS, "0A")
    world.stack.know(replace(job, id=source.job_id, source=source))
    processed(world, "link/b.jpg")
    outside = world.folder / "outside"
    outside.mkdir()
    (world.folder / "out").mkdir()
    (world.folder / "out/link").symlink_to(outside)
    result = world.run("get", "a.jpg", "link/b.jpg")
    assert result.exit_code == 1
    assert "out/link/b.png is a link that leads out of out." in result.stdout
    assert files_in(outside) == []
    assert (world.folder / "out/__/__/a.png").read_bytes() == PNG


def test_a_cut_out_does_not_overwrite_that_of_another_key(world: World) -> None:
    """Two keys whose characters are replaced may have the same file name."""
    processed(world, "a:b.jpg")
    processed(world, "a_b.jpg")
    result = world.run("get", "a:b.jpg", "a_b.jpg")
    assert result.exit_code == 1
    assert "would overwrite out/a_b.png, which is the cut-out" in result.stdout


def test_an_interruption_prints_the_progress(world: World) -> None:
    """With the advice to run the command again."""
    for key in ("a.jpg", "b.jpg"):
        processed(world, key)
    world.stack.store.download = interrupted_once_b_is_done(  # type: ignore[method-assign]
        world.stack.store.download, lambda key, _target: key.replace(".png", ".jpg")
    )
    result = world.run("get", "a.jpg", "b.jpg")
    assert result.exit_code == 1
    assert "Interrupted: 1 file downloaded. Run it again for the others." in result.stderr
