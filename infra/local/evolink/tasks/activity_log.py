"""Everything that happened, in order: requests, charges, callbacks, downloads."""

import asyncio
import json
import logging
import sqlite3
from datetime import datetime
from enum import StrEnum

from infra.local.evolink.standin_clock import Clock

_logger = logging.getLogger(__name__)


class Kind(StrEnum):
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

    def __init__(self, connection: sqlite3.Connection, clock: Clock, opening: float) -> None:
        self._connection = connection
        self._clock = clock
        self._grown = asyncio.Event()
        connection.execute("INSERT OR IGNORE INTO account VALUES ('balance', ?)", (opening,))
        connection.execute("INSERT OR IGNORE INTO account VALUES ('peak', 0)")

    @property
    def balance(self) -> float:
        """Credits left, after reservations."""
        return self._account("balance")

    @balance.setter
    def balance(self, amount: float) -> None:
        self._set_account("balance", amount)

    @property
    def peak(self) -> int:
        """The highest number of tasks that ran at once."""
        return int(self._account("peak"))

    def note_running(self, running: int) -> None:
        """Record the number of running tasks if it is the highest so far."""
        if running > self.peak:
            self._set_account("peak", running)

    def reserve(self, task_id: str, photo: str, amount: float) -> None:
        """Reserve credits for a task."""
        self.balance -= amount
        self.enter(Kind.RESERVE, task=task_id, photo=photo, credits=amount)

    def settle(
        self, task_id: str, photo: str, *, status: str, reserved: float, used: float
    ) -> None:
        """Charge what a task used and return the rest of its reservation."""
        if used:
            self.enter(Kind.CHARGE, task=task_id, photo=photo, credits=used)
        if reserved > used:
            self.balance += reserved - used
            self.enter(Kind.RELEASE, task=task_id, photo=photo, credits=reserved - used)
        self.enter(Kind.END, task=task_id, photo=photo, status=status)

    def enter(
        self, kind: Kind, *, task: str | None = None, photo: str = "", **detail: object
    ) -> None:
        """Add an entry and wake those who wait for entries."""
        document = {
            "at": self._clock.now().isoformat(),
            "kind": kind,
            "task": task,
            "photo": photo,
            **detail,
        }
        self._connection.execute(
            "INSERT INTO ledger (kind, photo, document) VALUES (?, ?, ?)",
            (kind, photo, json.dumps(document)),
        )
        _logger.info("%s %s %s %s", kind, task or "-", photo or "-", detail)
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()

    def entries(self, kind: str | None = None, photo: str = "") -> list[dict[str, object]]:
        """Return the entries of a kind with this text in the photo, oldest first."""
        rows = self._connection.execute(
            "SELECT seq, document FROM ledger"
            " WHERE (?1 IS NULL OR kind = ?1) AND (?2 = '' OR instr(photo, ?2)) ORDER BY seq",
            (kind, photo),
        )
        return [{"seq": seq, **json.loads(document)} for seq, document in rows.fetchall()]

    def last_time(self) -> datetime | None:
        """Return the time of the last entry."""
        row = self._connection.execute(
            "SELECT document FROM ledger ORDER BY seq DESC LIMIT 1"
        ).fetchone()
        return None if row is None else datetime.fromisoformat(json.loads(row[0])["at"])

    async def wait_for(self, count: int, kind: str, photo: str, seconds: float) -> bool:
        """Wait until there are that many such entries; ``seconds`` are real, not stand-in ones.

        Returns:
            Whether they were added in time.
        """
        try:
            async with asyncio.timeout(seconds):
                while len(self.entries(kind, photo)) < count:
                    await self._grown.wait()
        except TimeoutError:
            return False
        return True

    def _account(self, name: str) -> float:
        row = self._connection.execute(
            "SELECT value FROM account WHERE name = ?", (name,)
        ).fetchone()
        return float(row[0])

    def _set_account(self, name: str, value: float) -> None:
        # Prices have one decimal; without rounding, sums of 5.4 show binary fractions.
        self._connection.execute(
            "UPDATE account SET value = ? WHERE name = ?", (round(value, 4), name)
        )
