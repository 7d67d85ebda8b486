"""`cutout redrive`: dead letters, and sending them back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from cutout.cli.aws.dead_letter_queues import DeadLetter, MoveResult
from cutout.cli.dead_letters import dead_letter_queues, read_letter
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.support.cli.clock import NOON
from tests.support.cli.jobs import make_job
from tests.support.cli.world import World
from tests.support.fakes.resources import FakeResources, queue
from tests.support.samples import sample

JOB = "0123456789abcdef" * 2
REMOVED = {"bucket": "the-uploads", "key": "shoes/a.jpg", "order": "0A"}


def letter(number: int, body: object, **facts: object) -> DeadLetter:
    """A dead letter, an hour old."""
    text = body if isinstance(body, str) else json.dumps(body)
    made = DeadLetter(id=f"m{number}", body=text, sent_at=NOON - timedelta(hours=1), received=6)
    return replace(made, **facts)  # type: ignore[arg-type] # fields of a letter


def _upload(number: int = 1, **facts: object) -> DeadLetter:
    return letter(number, sample("s3-object-created"), **facts)


def _wake(number: int = 1, job: str = JOB) -> DeadLetter:
    return letter(number, {"job": job, "attempt": 2, "task_id": None, "is_poll": True})


def test_every_dead_letter_queue_is_found_with_its_target() -> None:
    """Those of queues and of rules, from the deployed stack, so that new ones are included."""
    deployment = FakeResources()
    deployment.all_queues += [queue("New", "NewDead"), queue("NewDead"), queue("Unrelated")]
    found = {
        one.queue.title: one.goes_back_to.rpartition(":")[2]
        for one in dead_letter_queues(deployment)
    }
    assert found == {
        "SubmissionsDead": "Submissions",
        "CallbacksDead": "Callbacks",
        "Undeliverable": "Submissions",
        "NewDead": "New",
    }


@pytest.mark.parametrize(
    ("body", "what", "is_named"),
    [
        (sample("s3-object-created"), "create the job of an upload", True),
        ({"job": JOB}, "check a job", False),
        ({"job": JOB, "attempt": 3, "task_id": "t"}, "check the task of attempt 3", False),
        ({"job": JOB, "render": ["small", "web"]}, "make variants: small, web", False),
        ({"removed": REMOVED | {"job": JOB}}, "delete the results of a deleted photo", True),
        ("hello", "not a message of Cutout: the message is not JSON", False),
        ({"job": JOB, "attempt": "x"}, "not a message of Cutout", False),
        ([], "not a message of Cutout", False),
    ],
)
def test_a_letter_is_read_as_the_functions_do(body: object, what: str, is_named: bool) -> None:  # noqa: FBT001
    """Whatever its queue and its content."""
    told = read_letter(letter(1, body))
    assert told.what.startswith(what)
    assert (told.key is not None) == is_named
    assert (told.job_id is None) == told.what.startswith("not a message of Cutout")


def test_a_letter_about_a_completed_job_may_have_an_effect(
    world: World,
) -> None:
    """Variants are made from completed jobs."""
    world.stack.know(replace(make_job("a.jpg"), id=JOB))
    world.stack.resources.letters = {"CallbacksDead": [letter(1, {"job": JOB, "render": ["web"]})]}
    shown = world.run("redrive").stdout
    assert "make variants: web · the job is completed" in shown
    assert "if sent back, it is carried out" in shown


def test_results_of_a_deleted_photo_are_removed_though_its_job_has_expired(world: World) -> None:
    """The message names the photo by its key, and should not be purged."""
    world.stack.resources.letters = {"CallbacksDead": [letter(1, {"removed": REMOVED})]}
    lines = [line.strip() for line in world.run("redrive").stdout.splitlines()]
    assert lines[1] == "1 x delete the results of a deleted photo"
    assert lines[3:] == ["shoes/a.jpg", "if sent back, it is carried out"]


def test_letters_are_grouped_by_request_and_state_of_the_job(world: World) -> None:
    """With the photo, the number, the age, and the effect of sending them back."""
    failed = make_job("a.jpg", state=State.FAILED, reason=Reason.TASK_FAILED)
    world.stack.know(replace(failed, id=JOB))
    world.stack.resources.letters = {
        "CallbacksDead": [_wake(1), _wake(2), _wake(3, "f" * 32), letter(4, "hello")],
        "Undeliverable": [_upload(attributes={"ERROR_CODE": "NO_PERMISSIONS"})],
    }

    told = world.run("redrive")

    assert told.exit_code == 1
    assert [line.strip() for line in told.stdout.splitlines()] == [
        "CallbacksDead: 4 dead letters; back to Callbacks",
        "2 x check the task of attempt 2 · the job is failed because of task-failed",
        "oldest 1 h, received up to 6 times",
        "a.jpg",
        "if sent back, it has no effect: the job has ended",
        "1 x check the task of attempt 2 · no job",
        "oldest 1 h, received up to 6 times",
        f"job {'f' * 32}",
        "no job: it has expired or never existed; if sent back, the message has no effect",
        "1 x not a message of Cutout: the message is not JSON",
        "oldest 1 h, received up to 6 times",
        "message m4",
        "if sent back, it fails again; `--purge --yes` deletes it",
        "Undeliverable: 1 dead letter; back to Submissions",
        "1 x create the job of an upload (NO_PERMISSIONS) · no job",
        "oldest 1 h, received up to 6 times",
        "shoes/red.jpg",
        "no job: this message is the only trace of the upload; send it back",
    ]
    assert "Dry run: `--yes` sends back 5 dead letters." in told.stderr
    assert world.stack.resources.arrived == []


def test_an_open_job_continues_without_its_letter(world: World) -> None:
    """Sweep checks it anyway."""
    world.stack.know(replace(make_job("a.jpg", state=State.PROCESSING), id=JOB))
    world.stack.resources.letters = {"CallbacksDead": [_wake()]}
    assert "Sweep continues the job anyway" in world.run("redrive").stdout


def test_without_dead_letters_redrive_succeeds(world: World) -> None:
    """With the status 0."""
    told = world.run("redrive", "--yes")
    assert (told.exit_code, told.stdout) == (0, "")
    assert "There are no dead letters." in told.stderr


def test_all_letters_are_sent_back_to_their_own_queues(world: World) -> None:
    """In batches of the size that SQS allows."""
    world.stack.resources.letters = {
        "SubmissionsDead": [letter(number, {"job": JOB}) for number in range(23)],
        "Undeliverable": [_upload(99)],
    }
    told = world.run("redrive", "--yes", "--json")
    assert told.exit_code == 0
    assert sorted(world.stack.resources.arrived) == sorted(
        [("Submissions", f"m{number}") for number in (*range(23), 99)]
    )
    gone = {one["queue"]: (one["count"], one["gone"]) for one in json.loads(told.stdout)}
    assert gone == {"SubmissionsDead": (23, 23), "CallbacksDead": (0, 0), "Undeliverable": (1, 1)}


def test_one_queue_can_be_selected(world: World) -> None:
    """The others are left alone, and do not count."""
    world.stack.resources.letters = {
        "SubmissionsDead": [letter(1, "x")],
        "CallbacksDead": [_wake(2)],
    }
    assert world.run("redrive", "--queue", "Callbacks", "--yes").exit_code == 0
    assert world.stack.resources.arrived == [("Callbacks", "m2")]
    assert world.run("redrive", "--queue", "Nothing").exit_code == 1


def test_a_dry_run_sends_nothing(world: World) -> None:
    """Whatever the other options."""
    world.stack.resources.letters = {"SubmissionsDead": [letter(1, {"job": JOB})]}
    assert world.run("redrive", "--dry-run", "--yes").exit_code == 1
    assert world.run("redrive", "--dry-run", "--purge", "--yes").exit_code == 1
    assert (
        world.stack.resources.arrived,
        len(world.stack.resources.letters["SubmissionsDead"]),
    ) == ([], 1)


def test_purging_requires_yes(world: World) -> None:
    """`--purge` alone prints what it would do."""
    world.stack.resources.letters = {"SubmissionsDead": [letter(1, "x")]}
    told = world.run("redrive", "--purge")
    assert (told.exit_code, "`--yes` deletes 1 dead letter" in told.stderr) == (1, True)
    assert world.run("redrive", "--purge", "--yes").exit_code == 0
    assert (world.stack.resources.letters["SubmissionsDead"], world.stack.resources.arrived) == (
        [],
        [],
    )


def test_the_only_trace_of_an_upload_is_purged_only_by_name(world: World) -> None:
    """Its photo would be lost silently, so the queue must be named."""
    world.stack.resources.letters = {"Undeliverable": [_upload()]}
    told = world.run("redrive", "--purge", "--yes")
    assert told.exit_code == 1
    assert "1 of these messages are the only trace of an upload" in told.stderr
    assert len(world.stack.resources.letters["Undeliverable"]) == 1
    assert world.run("redrive", "--purge", "--yes", "--queue", "Undeliverable").exit_code == 0


def test_letters_that_come_back_meanwhile_are_left(world: World) -> None:
    """Only as many as were counted are sent; one that fails at once would be sent without end."""
    letters = [letter(number, "x") for number in range(12)]
    world.stack.resources.letters = {"SubmissionsDead": letters}
    move = world.stack.resources.move
    calls: list[int] = []

    def and_back(url: str, to: str, limit: int) -> MoveResult:
        calls.append(limit)
        moved = move(url, to, limit)
        world.stack.resources.letters["SubmissionsDead"] += letters[: moved.taken]
        return moved

    world.stack.resources.move = and_back  # type: ignore[method-assign] # a queue that fails at once
    world.run("redrive", "--yes")
    assert calls == [10, 2]


def test_a_letter_that_sqs_refuses_is_listed_and_the_others_are_sent(world: World) -> None:
    """A message that is too long for the queue stops no other."""
    world.stack.resources.letters = {
        "SubmissionsDead": [letter(number, "x") for number in range(12)],
        "CallbacksDead": [_wake(20)],
    }
    move = world.stack.resources.move

    def refuse_one(url: str, to: str, limit: int) -> MoveResult:
        moved = move(url, to, limit)
        is_first = limit == 10
        return replace(moved, taken=moved.taken - 1, refused=["too long"]) if is_first else moved

    world.stack.resources.move = refuse_one  # type: ignore[method-assign]
    told = world.run("redrive", "--yes", "--json")
    assert told.exit_code == 1
    assert {one["queue"]: (one["gone"], one["refused"]) for one in json.loads(told.stdout)} == {
        "SubmissionsDead": (11, ["too long"]),
        "CallbacksDead": (1, []),
        "Undeliverable": (0, []),
    }
    assert "SQS did not accept 1 dead letter, which stay in their queue: too long" in told.stderr


def test_letters_received_by_another_consumer_are_reported(world: World) -> None:
    """Two concurrent redrives share the letters; neither reports that all were sent."""
    world.stack.resources.letters = {"SubmissionsDead": [letter(1, "x"), letter(2, "x")]}
    world.stack.resources.move = lambda *_: MoveResult()  # type: ignore[method-assign] # all are out
    told = world.run("redrive", "--yes")
    assert told.exit_code == 1
    assert (
        "2 dead letters could not be received: another consumer has them. Run it again."
        in told.stderr
    )


def test_of_very_many_letters_some_are_read(world: World) -> None:
    """The output says how many."""
    world.stack.resources.letters = {
        "SubmissionsDead": [letter(n, {"job": JOB}) for n in range(30)]
    }
    told = world.run("redrive", "--look", "10")
    assert "read 10 of 30; `--look` reads more" in told.stdout
