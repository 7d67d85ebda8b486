"""What a run wrote and left, and what a step changed, each as one line."""

from __future__ import annotations

import json
from collections.abc import Iterator, KeysView
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING

from cutout.domain.gate.gate import Gate
from cutout.domain.job.job import Job
from tests.support.builders import new_gate
from tests.support.fakes.world import World

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def told(world: World) -> list[str]:
    """A line for each write of a row, with what changed, and for all that is there in the end.

    Of messages for people, only that there is one.
    """
    lines = [*_writes(world.jobs.writes), *_left(world)]
    for job in world.jobs.jobs.values():
        name = f"{job.source.key} {job.source.version_id or job.source.etag}"
        lines = [one.replace(job.id, f"<{name}>") for one in lines]
    return lines


def _writes(writes: list[Job]) -> Iterator[str]:
    before: dict[str, Job] = {}
    for job in writes:
        yield line(f"{job.id} {job.version}", changes(before.get(job.id), job))
        before[job.id] = job


def changes(before: DataclassInstance | None, after: DataclassInstance) -> dict[str, object]:
    """Fields with another value than before; of attempts and history, the entries that differ."""
    changed = {
        field.name: getattr(after, field.name)
        for field in fields(after)
        if before is None or getattr(after, field.name) != getattr(before, field.name)
    }
    if before is not None:
        for name in {"attempts", "history"} & changed.keys():
            old = getattr(before, name)
            changed[name] = [one for one in changed[name] if one not in old]
    changed.pop("version", None)
    return _without_words(changed) if before is None else _without_words(changed, usual=())


def gate_changed(before: Gate, after: Gate) -> dict[str, object]:
    """Fields of its item with another value; slots that were taken and freed; credits by day."""
    held = [{name for shard in gate.shards for name in shard.holders} for gate in (before, after)]
    days = {day for gate in (before, after) for shard in gate.shards for day in shard.spent}
    charges = {
        str(day): after.spent_on(day) - before.spent_on(day)
        for day in sorted(days)
        if after.spent_on(day) != before.spent_on(day)
    }
    item = changes(replace(before, shards=()), replace(after, shards=()))
    told = {"takes": sorted(held[1] - held[0]), "frees": sorted(held[0] - held[1])}
    return item | {name: it for name, it in (told | {"charges": charges}).items() if it}


def _left(world: World) -> Iterator[str]:
    left: dict[str, object] = {
        "gate": world.jobs.gate,
        "slots and credits": gate_changed(
            new_gate(), new_gate(shards=world.jobs.read_gate().shards)
        ),
        "heads": world.jobs.heads,
        "tasks": world.jobs.tasks,
        "result keys": world.jobs.result_keys,
        "posts": world.evolink.posts,
        "reads": world.evolink.reads,
        "files": (world.files.copies.keys(), world.files.deleted),
        "results": world.results.puts,
        "objects": world.results.objects.keys(),
        "kept": world.cached_results.objects.keys(),
        "bought": world.dedup_records.items,
        "notes": {
            key: _without_words(json.loads(note.text)) for key, note in world.notes.stored.items()
        },
        "notes removed": world.notes.removed,
        "announced": [(job.id, job.version, job.state) for job in world.announcements.jobs],
        "asked of Submit": world.submissions.job_ids,
        "asked of Prepare": world.preparations.requests,
        "asked of StoreResult": (world.callbacks.requests, world.callbacks.delays),
        "metrics": dict(sorted(world.telemetry.counts.items())),
    }
    tags = {key: stored.labels.tags for (key, _), stored in world.uploads.versions.items()}
    for name, it in (left | {"tags": tags}).items():
        if it:
            yield line(name, it)


def line(name: str, it: object) -> str:
    """One line: JSON of anything."""
    return f"{name}: {json.dumps(it, default=_plain, ensure_ascii=False)}"


def _plain(it: object) -> object:
    """What JSON does not know."""
    if is_dataclass(it):
        values = {field.name: getattr(it, field.name) for field in fields(it)}
        # Not stored: a term of the provider.
        values.pop("usual_price", None)
        return _without_words(values)
    if isinstance(it, bytes):
        return it.decode(errors="replace")
    return list(it) if isinstance(it, KeysView) else str(it)


_USUAL: tuple[object, ...] = (None, False, (), {}, "")


def _without_words(
    named: dict[str, object], usual: tuple[object, ...] = _USUAL
) -> dict[str, object]:
    """Of a message, only that there is one; values as most rows have them are left out."""
    return {
        name: bool(it) if name in _WORDS else it for name, it in named.items() if it not in usual
    }


_WORDS = frozenset({"message", "problem", "remark", "meaning", "next", "paid", "shape"})
