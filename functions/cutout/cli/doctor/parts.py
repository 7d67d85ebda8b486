"""Are the parts there, awake and connected?"""

from __future__ import annotations

import runpy
from datetime import timedelta
from typing import TYPE_CHECKING

from cutout.cli.doctor.finding import note, ok, problem
from cutout.cli.output.describe import duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cutout.cli.aws.deployment import FunctionFact
    from cutout.cli.doctor.finding import Finding, Patient

_OUTPUTS = frozenset({"UploadsBucketName", "ResultsBucketName", "JobsTableName", "CallbackUrl"})
_FUNCTIONS = ("submit", "receive-callback", "store-result", "sweep")
"""Without these no photo comes through; others are looked at if they are there."""
_DEPLOY = "`make deploy` puts it right (`cutout down` and `cutout up` on a local cloud)."
_LONGEST_SILENCE = timedelta(minutes=5)


def stack(patient: Patient) -> Iterator[Finding]:
    """CloudFormation's own view of the stack."""
    here = patient.deployment
    described = here.description()
    if described is None:
        do = "`make deploy`, or `cutout up` for a local cloud; `--stack NAME` names another."
        yield problem(f"there is no stack {here.name} on {here.where}", do)
        return
    said = f"{here.name} on {here.where} is {described.status}"
    if described.status.endswith("_IN_PROGRESS"):
        yield note(f"{said}: a deployment is under way", "Look again when it has ended.")
    elif described.status.startswith("UPDATE_ROLLBACK_COMPLETE"):
        yield note(f"{said}: the last deployment failed and was taken back", _DEPLOY)
    elif described.status not in {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}:
        yield problem(said, f"See the stack's events in CloudFormation. {_DEPLOY}")
    else:
        yield ok(said)
    if missing := sorted(_OUTPUTS - described.outputs.keys()):
        yield problem(f"it has no output {', '.join(missing)}", "Is it Cutout's? " + _DEPLOY)


def version(patient: Patient) -> Iterator[Finding]:
    """What is deployed against what is checked out here."""
    described = patient.deployment.description()
    deployed = described.outputs.get("Version") if described else None
    if deployed is None:
        yield note("the stack does not say its version: it was deployed before versions", _DEPLOY)
        return
    if patient.checkout is None:
        yield ok(f"{deployed} is deployed; there is no checkout here to compare it with")
        return
    named = runpy.run_path(str(patient.checkout / "infra" / "version.py"))
    here = named["version_of"](patient.checkout)
    if here == deployed:
        yield ok(f"{deployed}, as in this checkout")
    else:
        yield note(
            f"{deployed} is deployed, this checkout is {here}", f"If that is news: {_DEPLOY}"
        )


def functions(patient: Patient) -> Iterator[Finding]:
    """Every function is there and ready."""
    found = patient.deployment.functions()
    known = {one.service for one in found}
    for service in _FUNCTIONS:
        if service not in known:
            yield problem(f"there is no function {service}", _DEPLOY)
    for one in found:
        if one.state not in {"Active", "Inactive"} or one.last_update == "Failed":
            said = f"{one.service} is {one.state}, its last update {one.last_update}"
            yield problem(said, f"See {one.name} in Lambda. {_DEPLOY}")
    if len(found) >= len(_FUNCTIONS):
        yield ok(f"{len(found)} functions are there: {', '.join(sorted(known))}")


def feeds(patient: Patient) -> Iterator[Finding]:
    """Every queue of work has a function that works it off."""
    here = patient.deployment
    fed = {one.queue_arn: one for one in here.feeds()}
    for queue in here.queues():
        if queue.dead_letters is None:
            continue
        feed = fed.get(queue.arn)
        if feed is None:
            yield problem(f"nobody works off {queue.title}", _DEPLOY)
        elif feed.state not in {"Enabled", "Enabling", "Updating"}:
            do = f"Enable the trigger of {feed.function}: `aws lambda update-event-source-mapping`."
            yield problem(f"{queue.title} is not worked off: its trigger is {feed.state}", do)
        else:
            yield ok(f"{queue.title} is worked off by {feed.function}")


def sweep(patient: Patient) -> Iterator[Finding]:
    """The clock that starts Sweep, and whether it comes."""
    here = patient.deployment
    sweeper = service(here.functions(), "sweep")
    schedules = [one for one in here.schedules() if sweeper and one.target == sweeper.name]
    if sweeper is None or not schedules:
        yield problem("nothing starts Sweep: lost callbacks are not made up for", _DEPLOY)
        return
    if not any(one.is_enabled for one in schedules):
        do = f"Enable {schedules[0].name} in EventBridge Scheduler."
        yield problem("the schedule of Sweep is off: lost callbacks are not made up for", do)
    came = here.latest(
        "AWS/Lambda",
        "Invocations",
        statistic="Sum",
        of=("FunctionName", sweeper.name),
        within=timedelta(hours=3),
    )
    if came is None:
        yield note("Sweep has not come in the last hours, or CloudWatch lags", "Look again soon.")
        return
    ago = patient.now - came[0]
    if ago > _LONGEST_SILENCE:
        yield problem(f"Sweep last came {duration(ago)} ago", "See its log and its schedule.")
    else:
        yield ok(f"Sweep came within the last {max(1, round(ago.total_seconds() / 60))} min")


def service(functions: Iterable[FunctionFact], name: str) -> FunctionFact | None:
    """Return the function that log lines call so."""
    return next((one for one in functions if one.service == name), None)
