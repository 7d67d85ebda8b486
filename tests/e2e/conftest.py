"""The whole stack on a local cloud, once for all end-to-end tests of a session.

`make test-e2e` runs two sessions side by side. Tests marked `second_cloud` need nothing that others
leave behind, and leave nothing that others look at.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path

import pytest

from cutout.adapters.dynamodb.item_table import Table
from cutout.adapters.dynamodb.jobs import DynamoJobs
from cutout.cli.aws.clients import Clients
from cutout.cli.aws.target import Target
from infra.local.lifecycle import stop_local_cloud
from infra.local.place import Place, find_place
from infra.local.processes.background import record
from infra.local.start import CloudRequest, start_local_cloud
from tests.e2e.bus import Listener
from tests.e2e.deployed import STACK, Deployed
from tests.e2e.door import Door
from tests.e2e.evidence import evidence
from tests.e2e.faults import AT_ONCE
from tests.e2e.gate import GateKeeper
from tests.e2e.logs import Logs
from tests.e2e.photos import Photos
from tests.e2e.queues import Queues
from tests.e2e.stand_in import StandIn
from tests.support.chromium import chromium
from tests.support.local_cloud import MachineClock, NoProgress

collect_ignore_glob = [] if chromium() else ["test_the_console.py"]
SETTINGS = {
    # The dashboard, and every metric on it.
    "monitoring": "full",
    # Settings that a test can wait for; the grace time is long enough for callbacks on a busy
    # machine.
    "first_poll_seconds": "4",
    "poll_interval_seconds": "4",
    "unconfirmed_grace_seconds": "120",
    "lease_seconds": "15",
    # Small photos are cut out at once, and are not prepared first.
    "min_side": "1",
    # Variants only of the photos under recipes/.
    "recipes": "tests/e2e/recipes.toml",
}
"""What the stack is deployed with."""
_SECOND_KEY = "local-second-key"
"""To rotate to."""
_STAND_IN = (
    # Tasks end at once, and small photos are cut out at once.
    *("--seconds", "0.3", "0.8"),
    *("--side-limits", "1", "9000"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.e2e)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Report a failure with the logs of functions and servers."""
    report = yield
    stack = getattr(item, "funcargs", {}).get("deployed")
    if report.failed and isinstance(stack, Deployed):
        report.sections += evidence(stack, call.start)
    return report


@pytest.fixture(scope="session")
def deployed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployed]:
    """The stack, deployed with the CDK; the next session uses the synthesized template, too."""
    # Sessions that run side by side have ports and synthesized stacks of their own.
    is_second = all(item.get_closest_marker("second_cloud") for item in request.session.items)
    project = find_place(Path(__file__))
    place = Place(
        source=project.source,
        state=tmp_path_factory.mktemp("cloud"),
        cache=project.cache / ("e2e-second" if is_second else "e2e"),
    )
    clock = MachineClock()
    arguments = (*_STAND_IN, "--state", str(place.state / "evolink.sqlite"))
    cloud = start_local_cloud(
        place,
        CloudRequest(
            stack=STACK,
            settings=SETTINGS,
            stand_in_arguments=arguments,
            stand_in_keys=(_SECOND_KEY,),
        ),
        progress=NoProgress(),
        clock=clock,
        owner=record("pytest", os.getpid()),
        environment=os.environ,
        stays_up=False,
    )
    try:
        stack = Deployed(
            cloud=cloud,
            connect=cache(Clients(Target(stack=STACK, variables=cloud.variables)).client),
            evolink_url=cloud.api.url or "",
            evolink_keys=(cloud.api.key, _SECOND_KEY),
            evolink_arguments=arguments,
            place=place,
        )
        _reserve_concurrency(stack)
        yield stack
    finally:
        stop_local_cloud(place, clock)


def _reserve_concurrency(deployed: Deployed) -> None:
    """Do those parts of the template that the local cloud's CloudFormation skips."""
    template = deployed.client("cloudformation").get_template(StackName=STACK)["TemplateBody"]
    described = json.loads(template) if isinstance(template, str) else template
    for logical_id, resource in described["Resources"].items():
        reserved = resource.get("Properties", {}).get("ReservedConcurrentExecutions")
        if reserved is not None:
            name = deployed.resource(resource["Type"], logical_id.removeprefix(STACK))
            deployed.client("lambda").put_function_concurrency(
                FunctionName=name, ReservedConcurrentExecutions=reserved
            )


@pytest.fixture(scope="session")
def jobs(deployed: Deployed) -> DynamoJobs:
    """The jobs table."""
    return DynamoJobs(Table(deployed.client("dynamodb"), deployed.cloud.outputs["JobsTableName"]))


@pytest.fixture(scope="session")
def photos(deployed: Deployed, jobs: DynamoJobs) -> Photos:
    """The uploads, their jobs and their results."""
    return Photos(deployed, jobs)


@pytest.fixture(scope="session")
def gate(jobs: DynamoJobs) -> GateKeeper:
    """The gate."""
    return GateKeeper(jobs=jobs)


@pytest.fixture(scope="module")
def open_gate(gate: GateKeeper) -> Iterator[None]:
    """Slots for all photos of a module that causes faults, at once."""
    with gate.limited_to(AT_ONCE):
        yield


@pytest.fixture(scope="session")
def stand_in(deployed: Deployed) -> StandIn:
    """Evolink's stand-in."""
    bucket = deployed.cloud.outputs["UploadsBucketName"]
    return StandIn(url=deployed.evolink_url, token=deployed.cloud.api.control_token, bucket=bucket)


@pytest.fixture(scope="session")
def bus(deployed: Deployed) -> Listener:
    """Our events on the bus, from the first test that asks for this."""
    return Listener(deployed.client("events"), deployed.client("sqs"), "cutout")


@pytest.fixture(scope="session")
def s3_events(deployed: Deployed) -> Listener:
    """S3's events on the bus, from the first test that asks for this."""
    return Listener(deployed.client("events"), deployed.client("sqs"), "aws.s3")


@pytest.fixture(scope="session")
def queues(deployed: Deployed) -> Queues:
    """The stack's queues."""
    return Queues(deployed)


@pytest.fixture(scope="session")
def door(deployed: Deployed) -> Door:
    """The callback address."""
    secrets = deployed.client("secretsmanager")
    return Door(
        url=deployed.cloud.outputs["CallbackUrl"],
        authority=deployed.cloud.variables["AWS_CA_BUNDLE"],
        signing_key=secrets.get_secret_value(SecretId=deployed.signing_key_name)["SecretString"],
    )


@pytest.fixture(scope="session")
def logs(deployed: Deployed) -> Logs:
    """The logs of the functions."""
    return Logs(deployed)
