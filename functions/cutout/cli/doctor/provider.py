"""Do the provider and we know each other: the key, the balance, the callbacks, the time?"""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

from cutout.adapters.evolink.api_key import refusal_of
from cutout.cli.doctor.finding import note, ok, problem
from cutout.cli.doctor.parts import service
from cutout.cli.output.dashboard.definition import Series
from cutout.cli.output.describe import counted, duration
from cutout.domain.callback_token import CALLBACKS_PATH
from cutout.domain.errors import CutoutError
from cutout.domain.metrics import NAMESPACE, Metric
from cutout.domain.provider import API_KEY_NOT_SET

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cutout.cli.aws.deployment import Balance, Deployment, FunctionFact
    from cutout.cli.doctor.finding import Finding, Patient

_PRICE = 5.4
_LITTLE = 100
"""Photos; for fewer, it is time to top up."""
_FROM_FILE = "--secret-string file://new-key.txt"
_SHORTEST_KEY = 32
_FORGED = f"{'0' * 32}.1.{'A' * 43}"
"""It has the form of a token, and nobody signed it."""
_SKEWED_SECONDS = 30
_REFUSED_SECONDS = 300
"""AWS refuses requests whose time is five minutes off (Signature Version 4)."""
_LATELY = timedelta(hours=1)
_STRAYS = 20
"""So many refused callbacks in that time are scanners passing by, or `cutout doctor` itself."""


def api_key(patient: Patient) -> Iterator[Finding]:
    """The key is set, the provider takes it, and there is money."""
    here = patient.deployment
    submit = service(here.functions(), "submit")
    if submit is None:
        yield problem("there is no function submit that would say where the key is", "Deploy.")
        return
    name = submit.environment["CUTOUT_API_KEY_SECRET"]
    # From a file: a process's arguments are readable for every user of the machine.
    put = f"`aws secretsmanager put-secret-value --secret-id {name} {_FROM_FILE}`"
    key = (here.secret(name) or "").strip()
    if key in {"", API_KEY_NOT_SET}:
        yield problem(f"no API key is in the secret {name}", f"{put}, then `cutout resume`.")
        return
    if refused := refusal_of(key):
        yield problem(f"{refused.message} ({name})", f"{put}, then `cutout resume`.")
        return
    url = submit.environment["CUTOUT_EVOLINK_BASE_URL"]
    yield from _balance(here.balance(url, key), url, put)


def _balance(balance: Balance, url: str, put: str) -> Iterator[Finding]:
    match balance.status:
        case None:
            do = "If the functions reach it, it is this machine's network; else the provider's."
            yield note(f"{url} cannot be reached from here: {balance.says}", do)
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN if balance.says:
            yield problem(f"{url} refuses the key: {balance.says}", f"{put}, then `cutout resume`.")
        case HTTPStatus.OK:
            yield _left(balance.credits)
        case HTTPStatus.PAYMENT_REQUIRED:
            yield problem("the account is out of credits", "Top it up, then `cutout resume`.")
        case status:
            yield note(f"{url} answers {status} when asked for the balance", "Look again later.")


def _left(credits_: float | None) -> Finding:
    if credits_ is None:
        return ok("the provider takes the key; it does not say what is left")
    photos = int(credits_ / _PRICE)
    said = f"the provider takes the key; {credits_:g} credits are left, for about {photos} photos"
    if photos < 1:
        return problem(said, "Top the account up, then `cutout resume`.")
    return note(said, "Top the account up soon.") if photos < _LITTLE else ok(said)


def signing_key(patient: Patient) -> Iterator[Finding]:
    """Callback URLs are signed with a key that nobody guesses."""
    here = patient.deployment
    submit = service(here.functions(), "submit")
    name = submit.environment.get("CUTOUT_SIGNING_KEY_SECRET", "") if submit else ""
    key = here.secret(name) if name else None
    if not key:
        do = "Rotate it, or deploy: without it no photo is submitted."
        yield problem(f"no key is in the secret {name or 'for callback URLs'}", do)
    elif len(key) < _SHORTEST_KEY:
        do = f"`aws secretsmanager put-secret-value --secret-id {name}` with 64 random characters."
        yield problem(f"the key in {name} has only {len(key)} characters", do)
    else:
        yield ok("the key that signs callback URLs is set")


def callbacks(patient: Patient) -> Iterator[Finding]:
    """The address is reachable, takes nothing that we did not sign, and is left in peace."""
    here = patient.deployment
    submit = service(here.functions(), "submit")
    yield from _address(here, submit)
    if submit is not None:
        yield _refused(patient, submit.environment["CUTOUT_STACK"])


def _address(here: Deployment, submit: FunctionFact | None) -> Iterator[Finding]:
    if submit is not None and "CUTOUT_CALLBACK_URL" not in submit.environment:
        yield note("callbacks are off (setting `callbacks`): results come by polling alone")
        return
    described = here.description()
    url = described.outputs.get("CallbackUrl") if described else None
    if url is None:
        yield problem("the stack names no callback URL", "Deploy again.")
        return
    try:
        status = here.knock(f"{url}{CALLBACKS_PATH}{_FORGED}")
    except CutoutError as error:
        do = "Look at the domain, its certificate and the API; meanwhile results come by polling."
        yield problem(f"{url} cannot be reached: {error}", do)
        return
    yield _door(url, status)


def _door(url: str, status: int) -> Finding:
    if status == HTTPStatus.FORBIDDEN:
        return ok(f"{url} is reachable and refuses a forged token")
    if status < HTTPStatus.BAD_REQUEST:
        do = "`cutout pause`, and see who answers there: it is not ReceiveCallback."
        return problem(f"{url} takes a forged token ({status})", do)
    if status == HTTPStatus.NOT_FOUND:
        return problem(f"{url} leads elsewhere (404)", "Look at the domain's mapping to the API.")
    do = "See the log of ReceiveCallback and the API; meanwhile results come by polling."
    return problem(f"{url} answers {status} to a forged token instead of 403", do)


def _refused(patient: Patient, stack: str) -> Finding:
    series = Series(
        namespace=NAMESPACE,
        metric=Metric.CALLBACK_REFUSED,
        dimensions=(("service", "cutout"), ("stack", stack)),
        statistic="Sum",
        period=300,
        label="refused",
        color="",
    )
    [points] = patient.deployment.values([series], patient.now - _LATELY, patient.now)
    count = round(sum(value for _, value in points.values))
    said = f"{counted(count, 'callback')} refused within the last {duration(_LATELY)}"
    if count <= _STRAYS:
        return ok(said)
    do = "Nothing was done on their behalf. The API's access log says who sends them; see "
    return note(f"{said}: their tokens are forged", f"{do}infra/RUNBOOK.md#forged-callbacks.")


def clock(patient: Patient) -> Iterator[Finding]:
    """This machine's time against that of AWS."""
    there = patient.deployment.now_there()
    off: timedelta = abs(patient.now - there)
    if off.total_seconds() >= _REFUSED_SECONDS:
        yield problem(f"this machine's clock is {duration(off)} off", "Set it; AWS refuses you.")
    elif off.total_seconds() >= _SKEWED_SECONDS:
        yield note(f"this machine's clock is {duration(off)} off", "Ages shown here are off, too.")
    else:
        yield ok("this machine's clock agrees with that of AWS")
