"""The whole stack on two local clouds, each deployed once.

`make test-e2e` runs two sessions side by side: modules marked `second_cloud`, and all others. In
the second cloud, the stack also tags photos and deletes cut-outs with their photos.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import pytest

from cutout.adapters.dynamodb.item_table import Table
from cutout.cli.aws.clients import TargetClients
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
from tests.support.whole_table import WholeTable

collect_ignore_glob = [] if chromium() else ["test_the_console.py"]
_SETTINGS = {
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
"""The settings of both stacks."""
_OFF_BY_DEFAULT = {"tag_source": "true", "delete_with_source": "true"}
"""More settings of the stack in the second cloud."""
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
def clouds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[bool], Deployed]]:
    """Start the first cloud or the second, each once."""
    with ExitStack() as running:

        @cache
        def start(is_second: bool) -> Deployed:  # noqa: FBT001 - which one
            return running.enter_context(_cloud(tmp_path_factory, is_second=is_second))

        yield start


@pytest.fixture(scope="module")
def deployed(request: pytest.FixtureRequest, clouds: Callable[[bool], Deployed]) -> Deployed:
    """The stack in the cloud of this module."""
    return clouds(request.node.get_closest_marker("second_cloud") is not None)


@contextmanager
def _cloud(folders: pytest.TempPathFactory, *, is_second: bool) -> Iterator[Deployed]:
    """A cloud with the stack, deployed with the CDK.

    What was synthesized serves the next session too. Sessions that run side by side have ports and
    synthesized stacks of their own.
    """
    project = find_place(Path(__file__))
    place = Place(
        source=project.source,
        state=folders.mktemp("cloud"),
        cache=project.cache / ("e2e-second" if is_second else "e2e"),
    )
    clock = MachineClock()
    arguments = (*_STAND_IN, "--state", str(place.state / "evolink.sqlite"))
    cloud = start_local_cloud(
        place,
        CloudRequest(
            stack=STACK,
            settings=_SETTINGS | _OFF_BY_DEFAULT if is_second else _SETTINGS,
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
            connect=cache(TargetClients(Target(stack=STACK, variables=cloud.variables)).client),
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


@pytest.fixture(scope="module")
def jobs(deployed: Deployed) -> WholeTable:
    """The jobs table."""
    return WholeTable(Table(deployed.client("dynamodb"), deployed.cloud.outputs["JobsTableName"]))


@pytest.fixture(scope="module")
def photos(deployed: Deployed, jobs: WholeTable) -> Photos:
    """The uploads, their jobs and their results."""
    return Photos(deployed, jobs)


@pytest.fixture(scope="module")
def gate(jobs: WholeTable) -> GateKeeper:
    """The gate."""
    return GateKeeper(jobs=jobs)


@pytest.fixture(scope="module")
def open_gate(gate: GateKeeper) -> Iterator[None]:
    """Slots for all photos of a module that causes faults, at once."""
    with gate.limited_to(AT_ONCE):
        yield


@pytest.fixture(scope="module")
def stand_in(deployed: Deployed) -> StandIn:
    """Evolink's stand-in."""
    bucket = deployed.cloud.outputs["UploadsBucketName"]
    return StandIn(url=deployed.evolink_url, token=deployed.cloud.api.control_token, bucket=bucket)


@pytest.fixture(scope="module")
def bus(deployed: Deployed) -> Listener:
    """Our events on the bus, from the first test of a module that asks for this."""
    return Listener(deployed.client("events"), deployed.client("sqs"), "cutout")


@pytest.fixture(scope="module")
def s3_events(deployed: Deployed) -> Listener:
    """S3's events on the bus, from the first test of a module that asks for this."""
    return Listener(deployed.client("events"), deployed.client("sqs"), "aws.s3")


@pytest.fixture(scope="module")
def queues(deployed: Deployed) -> Queues:
    """The stack's queues."""
    return Queues(deployed)


@pytest.fixture(scope="module")
def door(deployed: Deployed) -> Door:
    """The callback address."""
    secrets = deployed.client("secretsmanager")
    return Door(
        url=deployed.cloud.outputs["CallbackUrl"],
        authority=deployed.cloud.variables["AWS_CA_BUNDLE"],
        signing_key=secrets.get_secret_value(SecretId=deployed.signing_key_name)["SecretString"],
    )


@pytest.fixture(scope="module")
def logs(deployed: Deployed) -> Logs:
    """The logs of the functions."""
    return Logs(deployed)
