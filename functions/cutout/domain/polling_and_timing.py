"""Time limits of jobs: when tasks are read, how back-offs grow, and how long links are valid."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from cutout.domain.dataclass import dataclass
from cutout.domain.provider_outcomes import Terms

Randomness = Callable[[], float]
"""A number from 0 up to, not including, 1."""

LINK_SESSION = timedelta(hours=1)
"""Life of the role session that signs photo links: the longest of a role that a role assumes.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_manage-assume.html
"""
PHOTO_LINK_LIFE = timedelta(minutes=50)
"""How long a photo link is valid. A link dies with the session that signed it."""
QUEUE_RETENTION = timedelta(days=10)
"""How long a message waits in a queue that nothing takes it from: a long weekend and an outage."""
DEAD_LETTER_RETENTION = timedelta(days=14)
"""The longest that SQS keeps a message. In a dead letter queue its age counts from when it was
first sent, so this is longer than `QUEUE_RETENTION`."""
MESSAGE_LIFE = DEAD_LETTER_RETENTION + QUEUE_RETENTION
"""The oldest that a message can be: a dead letter that a person sends back waits once more."""
LONGEST_BACK_OFF = timedelta(minutes=10)
"""Of calls and handovers."""
UNKNOWN_TASK_WAIT = timedelta(seconds=60)
"""Until a task is read again that was named, and that the provider does not know yet."""
_FIRST_BACK_OFF = timedelta(seconds=15)
_STEPS_IN_DEADLINE = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """The settings of the same names."""

    first_poll: timedelta
    poll_interval: timedelta
    lease: timedelta
    unconfirmed_grace: timedelta
    job_deadline: timedelta
    retention: timedelta
    provider: Terms

    def wait_before_read(
        self, tries: int, randomness: Randomness, *, is_readable: bool = True
    ) -> timedelta:
        """The wait before a task is read again that runs, or that could not be read."""
        longest = self.poll_interval
        return longest if is_readable else back_off(tries, longest, randomness)

    def may_become_known(self, unknown_for: timedelta) -> bool:
        """True while a task that the provider does not know may be too new for it."""
        return unknown_for < self.provider.task_visibility_delay

    def retry_delay(self, failures: int, *, first: timedelta) -> timedelta:
        """The wait after a job's step failed so often; doubles up to a part of the deadline."""
        doubled: timedelta = first * 2 ** min(max(0, failures - 1), 16)
        return max(first, min(doubled, self.job_deadline / _STEPS_IN_DEADLINE))


def back_off(tries: int, longest: timedelta, randomness: Randomness) -> timedelta:
    """The wait before the next try: doubles from 15 s up to `longest`; half of it is jitter."""
    whole: timedelta = min(_FIRST_BACK_OFF * 2 ** min(tries, 16), longest)
    return whole / 2 + whole / 2 * randomness()
