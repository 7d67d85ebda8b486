"""The ledger: everything that was asked, paid, told and fetched, in order."""

import asyncio
import json
import sqlite3
from enum import StrEnum

from cutout.local.evolink.clock import Clock


class Kind(StrEnum):
    """What an entry of the ledger is about."""

    POST = "post"  # a request to create a task, with its answer
    REPLAY = "replay"  # an idempotency key was used again and got its first task
    RESERVE = "reserve"  # credits set aside for a new task
    CHARGE = "charge"  # a task was paid
    RELEASE = "release"  # what was set aside went back
    FETCH = "fetch"  # the input was fetched, or was not to be had
    CALLBACK = "callback"  # one attempt to deliver a callback
    READ = "read"  # a task was read
    DOWNLOAD = "download"  # a result was fetched
    UPLOAD = "upload"  # a file came to the Files API
    DELETE = "delete"  # a file was deleted


class Ledger:
    """Entries that are only ever added, and the account's balance."""

    def __init__(self, connection: sqlite3.Connection, clock: Clock, opening: float) -> None:
        self._connection = connection
        self._clock = clock
        self._grown = asyncio.Event()
        connection.execute("INSERT OR IGNORE INTO account VALUES ('balance', ?)", (opening,))
        connection.execute("INSERT OR IGNORE INTO account VALUES ('peak', 0)")

    @property
    def balance(self) -> float:
        """Credits left, reservations taken off."""
        return self._account("balance")

    @balance.setter
    def balance(self, amount: float) -> None:
        self._set_account("balance", amount)

    @property
    def peak(self) -> int:
        """The most tasks that ever ran at once."""
        return int(self._account("peak"))

    def note_running(self, running: int) -> None:
        """Keep the number of running tasks if it is the highest yet."""
        if running > self.peak:
            self._set_account("peak", running)

    def reserve(self, task_id: str, photo: str, amount: float) -> None:
        """Set credits aside for a task."""
        self.balance -= amount
        self.enter(Kind.RESERVE, task=task_id, photo=photo, credits=amount)

    def settle(self, task_id: str, photo: str, *, reserved: float, used: float) -> None:
        """Charge a task what it used and give the rest back."""
        if used:
            self.enter(Kind.CHARGE, task=task_id, photo=photo, credits=used)
        if reserved > used:
            self.balance += reserved - used
            self.enter(Kind.RELEASE, task=task_id, photo=photo, credits=reserved - used)

    def enter(
        self, kind: Kind, *, task: str | None = None, photo: str = "", **detail: object
    ) -> None:
        """Add an entry and wake whoever waits for it."""
        document = {
            "at": self._clock.now().isoformat(),
            "kind": kind,
            "task": task,
            "photo": photo,
            **detail,
        }
        self._connection.execute(
            "INSERT INTO ledger (kind, document) VALUES (?, ?)", (kind, json.dumps(document))
        )
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()

    def entries(self, kind: str | None = None) -> list[dict[str, object]]:
        """Return the entries, of one kind or of all, oldest first."""
        rows = self._connection.execute(
            "SELECT seq, document FROM ledger WHERE ? IS NULL OR kind = ? ORDER BY seq",
            (kind, kind),
        )
        return [{"seq": seq, **json.loads(document)} for seq, document in rows.fetchall()]

    def count(self, kind: str) -> int:
        """Count the entries of one kind."""
        row = self._connection.execute(
            "SELECT count(*) FROM ledger WHERE kind = ?", (kind,)
        ).fetchone()
        return int(row[0])

    async def wait_for(self, kind: str, count: int, seconds: float) -> bool:
        """Wait until there are that many entries of the kind; real seconds, not stand-in ones.

        Returns:
            Whether they came in time.
        """
        try:
            async with asyncio.timeout(seconds):
                while self.count(kind) < count:
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
        # Prices have one decimal; without rounding, sums of 5.4 would show the binary fractions.
        self._connection.execute(
            "UPDATE account SET value = ? WHERE name = ?", (round(value, 4), name)
        )
