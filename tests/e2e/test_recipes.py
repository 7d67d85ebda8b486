"""Variants: made after the cut-out, recorded in the job, made again without paying."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.e2e.bus import Listener
from tests.e2e.deployed import Deployed
from tests.e2e.photos import Photos
from tests.e2e.pictures import opened, small_photo
from tests.e2e.stand_in import StandIn


def test_variants_are_beside_the_cut_out_and_are_made_again_without_paying(
    photos: Photos, stand_in: StandIn, deployed: Deployed, bus: Listener
) -> None:
    """With its labels and their own type; the event names them; `cutout render` makes one again."""
    upload = photos.put("recipes/red.jpg", small_photo(7, side=200), tags={"season": "spring"})
    job = photos.settled(upload)
    assert job.state is State.COMPLETED
    assert {(one.recipe, one.key, one.problem) for one in job.variants} == {
        ("market", "recipes/red.market.jpg", None),
        ("full", "full/recipes/red.png", None),
    }
    market = photos.result("recipes/red.market.jpg")
    assert market is not None
    assert (market.content_type, market.tags) == ("image/jpeg", {"season": "spring"})
    assert market.metadata["cutout-job"] == job.id
    assert opened(market.content).size == (240, 240)
    full = photos.result("full/recipes/red.png")
    assert full is not None
    assert opened(full.content).size == opened(upload.content).size

    deployed.wait(lambda: bool(bus.of(job.id)), "the event")
    (event, *_) = bus.of(job.id)
    assert {one["recipe"]: photos.result(one["key"]) for one in event.detail["variants"]} == {
        "market": market,
        "full": full,
    }

    bucket = deployed.cloud.outputs["ResultsBucketName"]
    deployed.client("s3").delete_object(Bucket=bucket, Key="recipes/red.market.jpg")
    done = subprocess.run(  # noqa: S603 - our own command
        [
            *(str(Path(sys.executable).with_name("cutout")), "render", "recipes/red.jpg"),
            *("--recipe", "market", "--json", "--stack", "Cutout"),
        ],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | deployed.cloud.variables,
    )
    assert done.returncode == 0, done.stderr
    (told,) = json.loads(done.stdout)
    assert (told["recipe"], told["key"], told["problem"]) == (
        "market",
        "recipes/red.market.jpg",
        None,
    )
    assert photos.result("recipes/red.market.jpg") is not None
    assert stand_in.charges("recipes/red.jpg") == 1


def test_upload_chooses_its_variants_or_no_cut_out(
    photos: Photos, stand_in: StandIn, deployed: Deployed, bus: Listener
) -> None:
    """By its metadata, which the cut-out does not get; a skipped photo is announced and free."""
    chosen = photos.put("recipes/few.jpg", metadata={"cutout-recipes": "market,poster"})
    skipped = photos.put("recipes/none.jpg", metadata={"cutout-skip": "True"})
    job = photos.settled(chosen)
    assert {(one.recipe, one.key) for one in job.variants} == {
        ("market", "recipes/few.market.jpg"),
        ("poster", None),
    }
    cut_out = photos.result("recipes/few.png")
    assert cut_out is not None
    assert "cutout-recipes" not in cut_out.metadata

    job = photos.settled(skipped)
    assert (job.state, job.reason) == (State.REJECTED, Reason.SKIPPED_BY_UPLOADER)
    deployed.wait(lambda: bool(bus.of(job.id)), "the event")
    assert photos.result("recipes/none.jpg.error.json") is None
    assert stand_in.charges("recipes/none.jpg") == 0
