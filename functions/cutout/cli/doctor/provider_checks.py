"""Checks with the provider: the API key, the balance, the callbacks, the time."""

from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus

from cutout.cli.aws.stack_resources import DeployedFunction, StackResources
from cutout.cli.doctor.check import CheckResult, Checkup, note, ok, problem
from cutout.cli.output.dashboard.definition import Series
from cutout.cli.output.units import counted, duration
from cutout.domain.callback_token import CALLBACK_ROUTE, FORGED_TOKEN
from cutout.domain.errors import CutoutError
from cutout.domain.function_settings import variable
from cutout.domain.metrics import NAMESPACE, Metric
from cutout.domain.provider_outcomes import API_KEY_NOT_SET
from cutout.ports.provider_api import Balance
from cutout.wiring import chosen_provider

_LOW_PHOTOS = 100  # credits for fewer photos than this are worth a note
_FROM_FILE = "--secret-string file://new-key.txt"
_SHORTEST_KEY = 32
_SKEWED_SECONDS = 30
_REFUSED_SECONDS = 300  # AWS refuses requests whose time is five minutes off (Signature Version 4)
_LATELY = timedelta(hours=1)
# Port scanners and `cutout doctor` itself cause up to this many refused callbacks.
_USUAL_REFUSALS = 20


def api_key(checkup: Checkup) -> Iterator[CheckResult]:
    """The API key is set, the provider accepts it, and the account has credits."""
    here = checkup.stack.resources
    submit = here.function("submit")
    if submit is None:
        yield problem(
            "there is no function submit, which names the secret of the key", "Deploy again."
        )
        return
    name = submit.environment[variable("api_key_secret")]
    # From a file, as every user of a machine can read the arguments of processes.
    put = f"`aws secretsmanager put-secret-value --secret-id {name} {_FROM_FILE}`"
    key = (here.secret(name) or "").strip()
    if key in {"", API_KEY_NOT_SET}:
        yield problem(f"the secret {name} holds no API key", f"{put}, then `cutout resume`.")
        return
    # Reading the balance needs a valid key and costs nothing.
    found = chosen_provider.balance(here.http(), submit.environment, key)
    if found.key_fault:
        yield problem(f"{found.key_fault} ({name})", f"{put}, then `cutout resume`.")
    else:
        yield from _balance(found, put)


def _balance(found: Balance, put: str) -> Iterator[CheckResult]:
    url = found.server
    match found.status:
        case None:
            advice = "If photos are processed, it is the network of this machine."
            yield note(f"{url} cannot be reached from here: {found.message}", advice)
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN if found.message:
            message = f"{url} refuses the key: {found.message}"
            yield problem(message, f"{put}, then `cutout resume`.")
        case HTTPStatus.OK:
            yield _left(found.credits)
        case HTTPStatus.PAYMENT_REQUIRED:
            yield problem("the account is out of credits", "Top it up, then `cutout resume`.")
        case status:
            yield note(f"{url} answers {status} to a request for the balance", "Check again later.")


def _left(credits_: float | None) -> CheckResult:
    if credits_ is None:
        return ok("the provider accepts the key; it does not report the balance")
    photos = int(credits_ / float(chosen_provider.terms().usual_price))
    enough = f"{credits_:g} credits are left, for about {counted(photos, 'photo')}"
    message = f"the provider accepts the key; {enough}"
    if photos < 1:
        return problem(message, "Top the account up, then `cutout resume`.")
    return note(message, "Top the account up soon.") if photos < _LOW_PHOTOS else ok(message)


def signing_key(checkup: Checkup) -> Iterator[CheckResult]:
    """The key that signs callback URLs is set and long enough."""
    here = checkup.stack.resources
    submit = here.function("submit")
    name = submit.environment.get(variable("signing_key_secret"), "") if submit else ""
    key = here.secret(name) if name else None
    if not key:
        advice = "Rotate it, or deploy again: without it no photo is submitted."
        yield problem(f"the secret {name or 'for callback URLs'} holds no key", advice)
    elif len(key) < _SHORTEST_KEY:
        put = f"`aws secretsmanager put-secret-value --secret-id {name}`"
        message = f"the key in {name} has only {len(key)} characters"
        yield problem(message, f"{put} with 64 random characters.")
    else:
        yield ok("the key that signs callback URLs is set")


def callbacks(checkup: Checkup) -> Iterator[CheckResult]:
    """The callback URL is reachable, refuses a forged token, and gets few forged callbacks."""
    here = checkup.stack.resources
    submit = here.function("submit")
    yield from _address(here, submit)
    if submit is not None:
        yield _refused(checkup, submit.environment[variable("stack")])


def _address(here: StackResources, submit: DeployedFunction | None) -> Iterator[CheckResult]:
    if submit is not None and variable("callback_url") not in submit.environment:
        yield note("callbacks are off (setting `callbacks`): results are polled")
        return
    url = here.outputs().get("CallbackUrl")
    if url is None:
        yield problem("the stack has no output CallbackUrl", "Deploy again.")
        return
    try:
        http = here.http(trusts_local_cloud=True)
        headers = {"Content-Type": "application/json"}
        # Refusing it is an answer of ReceiveCallback itself, and the check needs no key.
        forged = url + CALLBACK_ROUTE.format(token=FORGED_TOKEN)
        answer = http.send("POST", forged, headers=headers, body=b"{}")
    except CutoutError as error:
        advice = "Check the domain, its certificate and the API; meanwhile results are polled."
        yield problem(f"{url} cannot be reached: {error}", advice)
        return
    yield _forged(url, answer.status)


def _forged(url: str, status: int) -> CheckResult:
    if status == HTTPStatus.FORBIDDEN:
        return ok(f"{url} is reachable and refuses a forged token")
    if status < HTTPStatus.BAD_REQUEST:
        advice = "Run `cutout pause`, and find out which server answers: it is not ReceiveCallback."
        return problem(f"{url} accepts a forged token ({status})", advice)
    if status == HTTPStatus.NOT_FOUND:
        return problem(f"{url} leads elsewhere (404)", "Check the API mapping of the domain.")
    advice = "See the logs of ReceiveCallback and of the API; meanwhile results are polled."
    return problem(f"{url} answers {status} instead of 403 to a forged token", advice)


def _refused(checkup: Checkup, stack: str) -> CheckResult:
    series = Series(
        namespace=NAMESPACE,
        metric=Metric.CALLBACK_REFUSED,
        dimensions=(("service", "cutout"), ("stack", stack)),
        statistic="Sum",
        period=300,
    )
    start, end = checkup.now - _LATELY, checkup.now
    [points] = checkup.stack.resources.metric_values([series], start, end)
    count = round(sum(value for _, value in points.values))
    message = f"{counted(count, 'callback')} refused within the last {duration(_LATELY)}"
    if count <= _USUAL_REFUSALS:
        return ok(message)
    advice = "They had no effect. The API's access log names the senders; see "
    return note(
        f"{message}: their tokens are forged", f"{advice}infra/RUNBOOK.md#forged-callbacks."
    )


def clock(checkup: Checkup) -> Iterator[CheckResult]:
    """The clock of this machine agrees with that of AWS."""
    off: timedelta = abs(checkup.now - checkup.stack.resources.aws_time())
    if off.total_seconds() >= _REFUSED_SECONDS:
        yield problem(
            f"this machine's clock is {duration(off)} off",
            "Set the clock: AWS refuses requests with a wrong time.",
        )
    elif off.total_seconds() >= _SKEWED_SECONDS:
        yield note(
            f"this machine's clock is {duration(off)} off",
            "Ages that commands show are wrong by the same time.",
        )
    else:
        yield ok("this machine's clock agrees with that of AWS")
