"""Checks of the resources: do they exist, are they active, are they connected?"""

import runpy
from collections.abc import Iterator
from datetime import timedelta

from cutout.cli.aws.description import HOW_TO_DEPLOY
from cutout.cli.doctor.check import NO_STACK, CheckResult, Checkup, note, ok, problem
from cutout.cli.output.dashboard.definition import Series
from cutout.cli.output.units import duration
from cutout.domain.function_settings import SERVICES, PrepareSettings

_OUTPUTS = frozenset({"UploadsBucketName", "ResultsBucketName", "JobsTableName", "CallbackUrl"})
# Without these no photo is processed; others are checked if they exist.
_FUNCTIONS = [service for kind, service in SERVICES.items() if kind is not PrepareSettings]
_DEPLOY = "`make deploy` repairs it (in a local cloud: `cutout down`, then `cutout up`)."
_LONGEST_SILENCE = timedelta(minutes=5)
_LOOK_BACK = timedelta(hours=3)


def stack(checkup: Checkup) -> Iterator[CheckResult]:
    """The status of the stack in CloudFormation."""
    here = checkup.stack.resources
    described = here.description()
    if described is None:
        yield problem(f"{NO_STACK} {here.name} on {here.where}", HOW_TO_DEPLOY)
        return
    message = f"{here.name} on {here.where} is {described.status}"
    if described.status.endswith("_IN_PROGRESS"):
        yield note(f"{message}: a deployment is running", "Check again when it has ended.")
    # Its clean-up ends in `_IN_PROGRESS`, see above. The previous version is deployed and works.
    elif described.status.startswith("UPDATE_ROLLBACK_COMPLETE"):
        yield note(f"{message}: the last deployment failed and was rolled back", _DEPLOY)
    elif not described.is_complete:
        yield problem(message, f"See the stack's events in CloudFormation. {_DEPLOY}")
    else:
        yield ok(message)
    if missing := sorted(_OUTPUTS - described.outputs.keys()):
        yield problem(f"it has no output {', '.join(missing)}", "Is it a Cutout stack? " + _DEPLOY)


def version(checkup: Checkup) -> Iterator[CheckResult]:
    """Compare the deployed version with the checkout."""
    deployed = checkup.stack.resources.outputs().get("Version")
    if deployed is None:
        yield note(
            "the stack has no output Version: it was deployed by an early version of Cutout",
            _DEPLOY,
        )
        return
    if checkup.checkout is None:
        yield ok(f"{deployed} is deployed; there is no checkout here to compare it with")
        return
    # The checkout's own rule for its version; this package may be another version.
    named = runpy.run_path(str(checkup.checkout / "infra" / "version.py"))
    here = named["version_of"](checkup.checkout)
    if here == deployed:
        yield ok(f"{deployed}, the same as in this checkout")
    else:
        yield note(
            f"{deployed} is deployed, this checkout is {here}",
            f"If you did not expect that: {_DEPLOY}",
        )


def functions(checkup: Checkup) -> Iterator[CheckResult]:
    """Every function exists and is ready."""
    found = checkup.stack.resources.functions()
    known = {one.service for one in found}
    for service in _FUNCTIONS:
        if service not in known:
            yield problem(f"there is no function {service}", _DEPLOY)
    for one in found:
        # Lambda makes a function inactive that nothing called for weeks; the next call starts it.
        # https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
        if one.state not in {"Active", "Inactive"} or one.last_update == "Failed":
            message = f"{one.service} is {one.state}, its last update {one.last_update}"
            yield problem(message, f"See {one.name} in Lambda. {_DEPLOY}")
    if len(found) >= len(_FUNCTIONS):
        yield ok(f"{len(found)} functions are ready: {', '.join(sorted(known))}")


def triggers(checkup: Checkup) -> Iterator[CheckResult]:
    """Every queue that is not a dead-letter queue triggers a function."""
    here = checkup.stack.resources
    by_queue = {one.queue_arn: one for one in here.triggers()}
    for queue in here.queues():
        if queue.dead_letters is None:
            continue
        trigger = by_queue.get(queue.arn)
        if trigger is None:
            yield problem(f"{queue.title} triggers no function", _DEPLOY)
        elif trigger.state not in {"Enabled", "Enabling", "Updating"}:
            advice = (
                f"Enable the trigger of {trigger.function}: "
                "`aws lambda update-event-source-mapping`."
            )
            yield problem(f"{queue.title} is not processed: its trigger is {trigger.state}", advice)
        else:
            yield ok(f"{queue.title} triggers {trigger.function}")


def sweep(checkup: Checkup) -> Iterator[CheckResult]:
    """The schedule of Sweep is enabled, and Sweep runs."""
    here = checkup.stack.resources
    sweeper = here.function("sweep")
    schedules = [one for one in here.schedules() if sweeper and one.target == sweeper.name]
    if sweeper is None or not schedules:
        yield problem("no schedule starts Sweep: lost callbacks are not recovered", _DEPLOY)
        return
    if not any(one.is_enabled for one in schedules):
        advice = f"Enable {schedules[0].name} in EventBridge Scheduler."
        yield problem("the schedule of Sweep is off: lost callbacks are not recovered", advice)
    runs = Series(
        namespace="AWS/Lambda",
        metric="Invocations",
        dimensions=(("FunctionName", sweeper.name),),
        statistic="Sum",
        period=60,
    )
    run = here.latest_value(runs, checkup.now - _LOOK_BACK, checkup.now)
    if run is None:
        yield note(
            "CloudWatch shows no run of Sweep in the last 3 h; new metrics take some minutes",
            "Check again in a few minutes.",
        )
        return
    ago = checkup.now - run[0]
    if ago > _LONGEST_SILENCE:
        yield problem(f"Sweep last ran {duration(ago)} ago", "See its log and its schedule.")
    else:
        yield ok(f"Sweep ran within the last {max(1, round(ago.total_seconds() / 60))} min")
