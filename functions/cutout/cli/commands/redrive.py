"""``cutout redrive``: what could not be handled is shown, and sent back."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click
from rich.progress import Progress

from cutout.cli.aws.deployment import Moved
from cutout.cli.dead_letters import Dead, Group, dead_letter_queues, grouped, read_letter
from cutout.cli.options.common import json_option, stack_options
from cutout.cli.options.help_page import DocumentedCommand
from cutout.cli.output.describe import duration
from cutout.cli.output.problems import Problem, explained
from cutout.cli.output.terminal import print_json, results, talk

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cutout.cli.aws.deployment import DeadLetters
    from cutout.cli.context import Surroundings
    from cutout.cli.options.target import Choice

_BATCH = 10
_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class Pile:
    """A queue of dead letters that was looked into.

    Attributes:
        moved: how many left it.
        refused: why SQS did not take others.
    """

    dead: Dead
    seen: int
    groups: Sequence[Group]
    moved: int = 0
    refused: Sequence[str] = ()


@click.command(
    "redrive",
    cls=DocumentedCommand,
    exit_statuses={
        0: "there are no dead letters, or all were sent back or deleted",
        1: "some are left",
    },
    example="""
# what could not be handled, and why; then, once the cause is mended, all of it once more
cutout redrive
cutout redrive --yes
""",
)
@click.option("--yes", is_flag=True, help="Send them back, or delete them with --purge.")
@click.option("--purge", is_flag=True, help="Delete instead of sending back; wants --yes.")
@click.option("--dry-run", is_flag=True, help="Only show, whatever else is said.")
@click.option("--queue", "wanted", metavar="NAME", help="Only queues whose name contains this.")
@click.option(
    "--look",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="Look into so many messages a queue.",
)
@json_option
@stack_options
@click.pass_obj
def command(
    surroundings: Surroundings,
    *,
    yes: bool,
    purge: bool,
    dry_run: bool,
    wanted: str | None,
    look: int,
    as_json: bool,
    choice: Choice,
) -> int:
    """Show dead letters, and send them back where they came from.

    Dead letters are messages that failed five times, and uploads that EventBridge could not hand
    over. They are grouped by what they ask for and how the photo's row stands now. Each is sent
    before it is deleted, so that nothing is lost if this is interrupted. What SQS does not take is
    named and stays where it is; the others go.
    """
    acts = yes and not dry_run
    with explained():
        letters = surroundings.examine(choice)
        dead = [one for one in dead_letter_queues(letters) if (wanted or "") in one.queue.title]
        if wanted and not dead:
            raise Problem(f"No queue of dead letters is called {wanted}.")
        piles = [_looked_into(letters, one, look) for one in dead]
        if acts and purge and not wanted:
            _refuse_to_lose(piles)
        if acts:
            piles = [_worked_off(letters, pile, purge=purge) for pile in piles]
    now = surroundings.clock.now()
    if as_json:
        print_json([_as_json(pile) for pile in piles])
    else:
        _tell(piles, now)
    left = sum(pile.dead.queue.count - pile.moved - len(pile.refused) for pile in piles)
    refused = Counter(why for pile in piles for why in pile.refused)
    for why, count in refused.most_common():
        talk().print(f"SQS did not take {_letters(count)}, left where they were: {why}")
    if left and not acts:
        verb = "deletes" if purge else "sends back"
        talk().print(f"Nothing was done: `--yes` {verb} {_letters(left)}.", style="note")
    elif left > 0:
        talk().print(f"{_letters(left)} could not be had: somebody else has them. Look again.")
    return 1 if left > 0 or refused else 0


def _refuse_to_lose(piles: Sequence[Pile]) -> None:
    """Refuse to delete, unless the queue is named, what nothing else tells of."""
    lost = sum(group.count for pile in piles for group in pile.groups if group.is_only_trace)
    if lost:
        raise Problem(
            f"{lost} of these are the only trace of an upload: deleted, the photo is lost.",
            advice="Send them back with `--yes`, or name the queue that you mean with `--queue`.",
        )


def _looked_into(letters: DeadLetters, dead: Dead, limit: int) -> Pile:
    if not dead.queue.count:
        return Pile(dead=dead, seen=0, groups=())
    told = [read_letter(letter) for letter in letters.look(dead.queue, limit)]
    jobs = letters.jobs([one.job_id for one in told if one.job_id])
    return Pile(dead=dead, seen=len(told), groups=grouped(told, jobs))


def _worked_off(letters: DeadLetters, pile: Pile, *, purge: bool) -> Pile:
    """Work off as many as there were: what comes back meanwhile is left for a person to see."""
    queue, done, refused = pile.dead.queue, 0, list[str]()
    with Progress(console=talk(), transient=True) as progress:
        bar = progress.add_task(queue.title, total=queue.count)
        while done < queue.count:
            most = min(_BATCH, queue.count - done)
            if purge:
                some = Moved(taken=letters.purge(queue, most))
            else:
                some = letters.move(queue, pile.dead.goes_back_to, most)
            if not some.count:
                break
            done += some.count
            refused += some.refused
            progress.update(bar, completed=done)
    return replace(pile, moved=done - len(refused), refused=refused)


def _tell(piles: Sequence[Pile], now: datetime) -> None:
    console = results()
    if not any(pile.dead.queue.count for pile in piles):
        talk().print("There are no dead letters.")
        return
    for pile in piles:
        if not pile.dead.queue.count:
            continue
        count = pile.dead.queue.count
        back = pile.dead.goes_back_to.rpartition(":")[2]
        done = f", {pile.moved} gone" if pile.moved else ""
        console.print(f"{pile.dead.queue.title}: {_letters(count)}{done}; back to {back}")
        for group in pile.groups:
            _tell_group(group, now)
        if pile.seen < count - pile.dead.queue.in_flight:
            console.print(f"  looked into {pile.seen} of {count}; `--look` looks into more")


def _tell_group(group: Group, now: datetime) -> None:
    console = results()
    age = f"oldest {duration(now - group.oldest)}, handed out up to {group.received} times"
    console.print(f"  {group.count} x {group.why}")
    console.print(f"      {age}")
    more = f" and {len(group.photos) - _NAMED} more" if len(group.photos) > _NAMED else ""
    console.print(f"      {', '.join(group.photos[:_NAMED])}{more}")
    console.print(f"      {group.then}")


def _as_json(pile: Pile) -> dict[str, Any]:
    return {
        "queue": pile.dead.queue.title,
        "name": pile.dead.queue.name,
        "goes_back_to": pile.dead.goes_back_to.rpartition(":")[2],
        "count": pile.dead.queue.count,
        "looked_into": pile.seen,
        "gone": pile.moved,
        "refused": list(pile.refused),
        "groups": [
            {
                "why": group.why,
                "then": group.then,
                "count": group.count,
                "oldest": group.oldest.isoformat(),
                "received": group.received,
                "photos": list(group.photos),
            }
            for group in pile.groups
        ],
    }


def _letters(count: int) -> str:
    return f"{count} dead letter{'' if count == 1 else 's'}"
