"""Everything that happened, in order: requests, charges, callbacks, downloads."""

import asyncio
import logging
from datetime import datetime
from enum import StrEnum

from infra.local.evolink.standin_clock import Clock
from infra.local.evolink.stored_state import StoredDict, StoredState
from infra.local.evolink.tasks.task import Task

_logger = logging.getLogger(__name__)

Entry = dict[str, object]


class EntryKind(StrEnum):
    """What an entry is about."""

    POST = "post"  # a request to create a task, with its answer
    REPLAY = "replay"  # an idempotency key was repeated and answered with its first task
    RESERVE = "reserve"  # credits were reserved for a new task
    CHARGE = "charge"  # a task was charged
    RELEASE = "release"  # reserved credits were returned
    END = "end"  # a task ended, after its charge
    FETCH = "fetch"  # the input was fetched, or could not be
    CALLBACK = "callback"  # one attempt to deliver a callback
    READ = "read"  # a task was read
    DOWNLOAD = "download"  # a result was fetched
    UPLOAD = "upload"  # a file was uploaded to the Files API
    DELETE = "delete"  # a file was deleted


class ActivityLog:
    """Entries, which are only ever added, and the account's balance."""

    def __init__(self, state: StoredState, clock: Clock, opening: float) -> None:
        self._clock = clock
        self._entries: StoredDict[Entry] = StoredDict(state, "ledger")
        self._account: StoredDict[float] = StoredDict(state, "account")
        self._account.setdefault("balance", opening)
        self._account.setdefault("peak", 0)
        self._grown = asyncio.Event()

    @property
    def balance(self) -> float:
        """Credits left, after reservations."""
        return self._account["balance"]

    @balance.setter
    def balance(self, amount: float) -> None:
        # Prices have one decimal; without rounding, sums of 5.4 show binary fractions.
        self._account["balance"] = round(amount, 4)

    @property
    def peak(self) -> int:
        """The highest number of tasks that ran at once."""
        return int(self._account["peak"])

    def note_running(self, running: int) -> None:
        """Record the number of running tasks if it is the highest so far."""
        self._account["peak"] = max(self.peak, running)

    def reserve(self, task: Task) -> None:
        """Reserve a new task's credits."""
        self.balance -= task.credits_reserved
        self.enter(EntryKind.RESERVE, task, credits=task.credits_reserved)

    def settle(self, task: Task) -> None:
        """Charge what an ended task used, and return the rest of its reservation."""
        rest = task.credits_reserved - task.credits_used
        if task.credits_used:
            self.enter(EntryKind.CHARGE, task, credits=task.credits_used)
        if rest > 0:
            self.balance += rest
            self.enter(EntryKind.RELEASE, task, credits=rest)
        self.enter(EntryKind.END, task, status=task.status)

    def enter(
        self, kind: EntryKind, task: Task | None = None, *, photo: str = "", **detail: object
    ) -> None:
        """Add an entry about a task, or else about this photo; wake those who wait for entries."""
        task_id, photo = (task.id, task.photo) if task else (None, photo)
        number = len(self._entries) + 1
        at = self._clock.now().isoformat()
        head = {"seq": number, "at": at, "kind": kind, "task": task_id, "photo": photo}
        self._entries[str(number)] = head | detail
        _logger.info("%s %s %s %s", kind, task_id or "-", photo or "-", detail)
        # Each waiter has the event of the moment when it began to wait, so none misses an entry.
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()

    def entries(self, kind: str | None = None, photo: str = "") -> list[Entry]:
        """Return the entries of a kind with this text in the photo, oldest first."""
        return [
            entry
            for entry in self._entries.values()
            if kind in {None, entry["kind"]} and photo in str(entry["photo"])
        ]

    def last_time(self) -> datetime | None:
        """Return the time of the last entry."""
        last = self._entries.get(str(len(self._entries)))
        return None if last is None else datetime.fromisoformat(str(last["at"]))

    async def wait_for(self, count: int, kind: str, photo: str, seconds: float) -> bool:
        """Return whether that many such entries are added within so many real seconds."""
        try:
            async with asyncio.timeout(seconds):
                while len(self.entries(kind, photo)) < count:
                    await self._grown.wait()
        except TimeoutError:
            return False
        return True
