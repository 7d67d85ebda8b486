"""When a fault happens, and with which options."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Make a fault happen on some of the occasions of its stage.

    Attributes:
        where: The part of the API, as in the table of faults.
        fault: The name of the fault there.
        times: How often it happens; None means always.
        after: How many matching occasions pass without it first.
        match: Text that the path of the photo's URL has to contain.
        each: Count ``times`` and ``after`` for every photo separately.
        seconds: Stand-in seconds, for the faults that take time.
        code: Error code instead of the usual one.
        message: Error message instead of the usual one; some faults use it as they describe.
        status: HTTP status instead of the usual one.
        retry_after: Seconds of a Retry-After header.
    """

    where: str
    fault: str
    times: int | None = None
    after: int = 0
    match: str = ""
    each: bool = False
    seconds: float | None = None
    code: str | None = None
    message: str | None = None
    status: int | None = None
    retry_after: float | None = None

    def to_json(self) -> dict[str, object]:
        """Return the document that ``parse_rule`` reads."""
        return {name: value for name, value in asdict(self).items() if value is not None}
