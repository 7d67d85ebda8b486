"""An upgrade from the version before, with photos in every state in between, loses nothing.

Both versions are deployed by their own `make deploy`, with the real CDK. `UPGRADE_FROM=v1.2.0`
takes a commit or a tag instead of the version before; `RECORD_ROWS=write` keeps what that one wrote
to the table, for `tests/contract/dynamodb/test_written_before.py`.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from cutout.domain.states import State
from tests.e2e.deployed import Deployed
from tests.e2e.deploying import by_key, earlier, present
from tests.e2e.earlier import put_earlier_sources
from tests.e2e.upgrade import STATEFUL, RolledBack, Upgrade, Upgraded

pytestmark = pytest.mark.second_cloud

_WRITTEN = Path(__file__).parents[1] / "contract" / "dynamodb" / "written"
_SIGNATURE = re.compile(r"X-Amz-[A-Za-z-]+=[^&\\\"]*&?")
_UNPAID = {"note.txt.jpg", "twin.jpg"}
"""No photo, and one that is completed from its twin's result."""
_NOT_COMPLETED = {"note.txt.jpg": State.REJECTED, "doubted.jpg": State.REVIEW}


@pytest.fixture(scope="module")
def story(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Upgrade:
    """The sources of both versions, ready to be deployed."""
    folder = tmp_path_factory.mktemp("earlier")
    put_earlier_sources(deployed.place.source, folder, os.environ.get("UPGRADE_FROM", ""))
    who = by_key(deployed)
    return Upgrade(
        cloud=deployed, before=earlier(deployed, who, folder), after=present(deployed, who)
    )


@pytest.fixture(scope="module")
def upgraded(story: Upgrade) -> Upgraded:
    """The state after the upgrade."""
    told = story.tell()
    if os.environ.get("RECORD_ROWS"):
        _record(told)
    return told


@pytest.fixture(scope="module")
def rolled_back(story: Upgrade, upgraded: Upgraded) -> RolledBack:
    """The state of photos that were in flight while the earlier version was deployed again."""
    assert upgraded.rows
    return story.roll_back()


def _record(upgraded: Upgraded) -> None:
    """Record the earlier version's table; the links in it lose their signatures."""
    items = sorted(upgraded.earlier.items, key=lambda item: item["pk"]["S"])
    text = _SIGNATURE.sub("", json.dumps(items, ensure_ascii=False, indent=1))
    _WRITTEN.mkdir(exist_ok=True)
    (_WRITTEN / f"{upgraded.earlier.version}.json").write_text(f"{text}\n")


def test_upgraded_stack_is_another_version(upgraded: Upgraded) -> None:
    """Otherwise nothing would have been upgraded."""
    assert upgraded.upgraded.version != upgraded.earlier.version


def test_photos_are_in_flight_in_every_state(upgraded: Upgraded) -> None:
    """Running, being submitted or stored, waiting at the gate, ended."""
    states = {job.state for job in upgraded.earlier.jobs.values()}
    assert states == set(State) - {State.SUPERSEDED}


def test_no_resource_that_holds_data_is_replaced(upgraded: Upgraded) -> None:
    """Buckets, tables, secrets, queues, logs, topic and API are the very same ones.

    But for the group of the access logs, where it gets its vended name: the old one is kept.
    """
    before, after = upgraded.earlier.stateful, upgraded.upgraded.stateful
    assert {name.rpartition("/")[0] for name in before} == set(STATEFUL)
    replaced = {after.get(name) for name in before if after.get(name) != before[name]}
    assert [name for name in replaced if not str(name).startswith("/aws/vendedlogs/")] == []


def test_every_job_of_the_previous_version_is_read(upgraded: Upgraded) -> None:
    """With the same photo, and otherwise changed only by its own progress."""
    before, after = upgraded.earlier.jobs, upgraded.upgraded.jobs
    assert after.keys() == before.keys()
    assert [after[key].source for key in before] == [job.source for job in before.values()]
    still = [key for key, job in before.items() if job.state.is_settled]
    assert [after[key] for key in still] == [before[key] for key in still]


def test_persons_pause_is_kept_by_the_upgrade(upgraded: Upgraded) -> None:
    """The operator paused the gate for a reason that a deployment does not know."""
    assert upgraded.upgraded.gate.pause == upgraded.earlier.gate.pause
    assert upgraded.upgraded.gate.pause is not None


def test_every_photo_ends_as_it_should(upgraded: Upgraded) -> None:
    """Completed, each with its cut-out; also those that were uploaded during the upgrade."""
    ends = {key: job.state for key, job in upgraded.jobs.items()}
    assert any(key.startswith("meanwhile/") for key in ends)
    expected = dict.fromkeys(ends, State.COMPLETED) | _NOT_COMPLETED
    assert ends == expected
    completed = {key: job.id for key, job in upgraded.jobs.items() if key not in _NOT_COMPLETED}
    assert upgraded.results == completed
    assert upgraded.rows == len(ends)


def test_every_photo_is_paid_for_once(upgraded: Upgraded) -> None:
    """Also one whose answer was lost, and one whose call was in the middle of the upgrade."""
    expected = {key: int(key not in _UNPAID) for key in upgraded.jobs}
    assert upgraded.charges == expected
    assert (upgraded.posts["unconfirmed.jpg"], upgraded.posts["submitting.jpg"]) == (1, 1)
    reused = {key: job.reused.job_id for key, job in upgraded.jobs.items() if job.reused}
    assert reused == {"twin.jpg": upgraded.jobs["bought.jpg"].id}


def test_upgrade_leaves_no_dead_letter(upgraded: Upgraded) -> None:
    """In no queue."""
    assert upgraded.dead_letters
    assert set(upgraded.dead_letters.values()) == {0}


def test_roll_back_neither_loses_photos_nor_pays_twice(rolled_back: RolledBack) -> None:
    """Photos in flight and new ones end after the next upgrade."""
    assert {job.state for job in rolled_back.jobs.values()} == {State.COMPLETED}
    assert set(rolled_back.charges.values()) == {1}
    assert rolled_back.most_in_flight <= 4
    assert set(rolled_back.dead_letters.values()) == {0}
