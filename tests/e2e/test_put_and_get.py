"""`cutout put` and `cutout get` on the deployed stack."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.deployed import Deployed
from tests.e2e.operator import Operator
from tests.e2e.photos import Photos
from tests.e2e.pictures import small_photo
from tests.e2e.stand_in import StandIn

_OF_NO_OTHER_TEST = 950


@pytest.fixture
def operator(deployed: Deployed) -> Operator:
    """Runs commands on the deployed stack."""
    return Operator(deployed=deployed)


def test_folder_that_is_put_again_is_neither_uploaded_nor_paid_for_again(
    *, photos: Photos, operator: Operator, stand_in: StandIn, tmp_path: Path
) -> None:
    """A refused photo only with an option; completed ones are downloaded."""
    folder = tmp_path / "put-again"
    folder.mkdir()
    for number, name in enumerate(("good.jpg", "refused.jpg")):
        (folder / name).write_bytes(small_photo(_OF_NO_OTHER_TEST + number))
    stand_in.commit("task:moderated", "put-again/refused.jpg", times=2)
    put = ("put", str(folder), "--out", str(tmp_path / "out"))

    first = operator.run(*put)
    again = operator.run(*put)

    assert [first.status, again.status] == [1, 1]
    assert [(one["key"], one["state"]) for one in again.data] == [
        ("put-again/good.jpg", "completed"),
        ("put-again/refused.jpg", "failed"),
    ]
    assert [one["version"] for one in again.data] == [one["version"] for one in first.data]
    assert len(stand_in.entries("charge", "put-again/")) == 2
    planned = operator.run(*put, "--dry-run").data
    assert [one["action"] for one in planned] == ["download", "leave"]

    retried = operator.run(*put, "--retry-failed")

    assert [one["state"] for one in retried.data] == ["completed", "failed"]
    assert len(stand_in.entries("charge", "put-again/")) == 3
    got = operator.run("get", "put-again/", "--out", str(tmp_path / "got"))
    assert (got.status, [one["file"] is not None for one in got.data]) == (1, [True, False])
    stored = photos.result("put-again/good.png")
    assert stored is not None
    assert (tmp_path / "got/put-again/good.png").read_bytes() == stored.content
    assert (tmp_path / "out/put-again/good.png").read_bytes() == stored.content
