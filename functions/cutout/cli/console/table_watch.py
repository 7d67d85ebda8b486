"""One look at the table: the jobs that may have changed a short time ago, and the gate.

It takes about eight requests: the gate, the index of jobs in progress, one index for each end
state, and a batch of a hundred jobs. Each further hundred jobs in progress takes one more.
"""

from collections.abc import Collection, Mapping
from dataclasses import field
from datetime import datetime, timedelta
from itertools import islice

from cutout.cli.console.site import Site
from cutout.cli.output.problems import Problem, explained
from cutout.domain.dataclass import dataclass
from cutout.domain.gate.gate import Gate
from cutout.domain.job.job import Job
from cutout.domain.states import SETTLED
from cutout.ports.jobs_table import MOST_COUNTED

OVERLAP = timedelta(seconds=20)
"""Each look begins this long before the last.

The index of ended jobs is eventually consistent, and a page connects a moment after it is made.
"""


@dataclass(frozen=True, kw_only=True)
class Changes:
    """The result of one look.

    Attributes:
        jobs: by id, those in progress and those that ended a short time ago; none if it failed.
        gate: None if the look failed.
        problem: why it failed.
        since: when the last look succeeded.
    """

    jobs: Mapping[str, Job] = field(default_factory=dict)
    gate: Gate | None = None
    problem: Problem | None = None
    since: datetime | None = None


class TableWatch:
    """Looks for changed jobs. Not for several threads at a time."""

    def __init__(self, site: Site) -> None:
        self.moving: Collection[str] = ()
        self._site = site
        self._jobs: Mapping[str, Job] = {}
        self._ended: set[tuple[str, datetime]] = set()
        self._since: datetime | None = None

    def look(self, shown: Collection[str] = ()) -> Changes:
        """Return the gate, the jobs that may have changed a short time ago, and those `shown`."""
        try:
            with explained():
                return self._changes(shown)
        except Problem as problem:
            self._site.forget_stack()
            return Changes(problem=problem, since=self._since)

    def _changes(self, shown: Collection[str]) -> Changes:
        stack, now = self._site.stack(), self._site.now()
        since = (self._since or now) - OVERLAP
        ended = {
            (entry.job_id, entry.at)
            for state in SETTLED
            for entry in islice(stack.index.moved(state, since=since), MOST_COUNTED)
        }
        moving = [entry.job_id for entry in islice(stack.index.moving(), MOST_COUNTED)]
        # Those that were moving have ended: they are found also if this machine's clock is wrong.
        gone = set(self.moving).difference(moving)
        new = [job_id for job_id, _ in sorted(ended - self._ended, key=lambda it: it[1])]
        read = stack.index.find_all(list(dict.fromkeys([*reversed(moving), *new, *gone, *shown])))
        gate = stack.jobs.read_gate()
        # Those that ended before the last look stay a while, for windows that open now.
        known = {job_id: self._jobs[job_id] for job_id, _ in ended if job_id in self._jobs}
        self._jobs = known | {job.id: job for job in read}
        self.moving = moving
        self._ended, self._since = ended, now
        return Changes(jobs=self._jobs, gate=gate, since=now)
