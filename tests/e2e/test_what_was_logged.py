"""What is left after everything: logs that give nothing away, rows without links, empty DLQs.

Run after the others, as it is by its name, this looks at what all of them left.
"""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from cutout.domain.states import State
from tests.e2e.deployed import STACK, Deployed
from tests.e2e.door import Door
from tests.e2e.logs import Logs
from tests.e2e.photos import Photos
from tests.e2e.pictures import opened, saved, small_photo
from tests.e2e.queues import Queues
from tests.e2e.stand_in import StandIn

_TOKEN = re.compile(r"[0-9a-f]{32}\.[1-9][0-9]{0,3}\.[1-9][0-9]{9}\.[A-Za-z0-9_-]{43}")
_SIGNED = re.compile(r"X-Amz-(Signature|Credential|Security-Token)", re.IGNORECASE)


@pytest.fixture(scope="module", autouse=True)
def _something_happened(photos: Photos, stand_in: StandIn, door: Door) -> None:
    """Use everything once, in case only these tests run."""
    faults = ("create:accept-then-reset", "create:400", "result:html", "task:moderated")
    for fault in faults:
        stand_in.commit(fault, f"logged/{fault}", times=1)
    uploads = photos.put_all(["logged/well.jpg", *(f"logged/{fault}.jpg" for fault in faults)])
    uploads.append(photos.put("logged/prepared.tif", saved(opened(small_photo()), "TIFF")))
    jobs = photos.all_settled(uploads, is_swept=True)
    door.knock(f"/callbacks/{door.token(jobs[0].id, 1)}")
    door.knock(f"/callbacks/{door.token(jobs[0].id, 1, key='forged')}")
    door.knock("/callbacks/nonsense")


def _secrets(deployed: Deployed, door: Door) -> re.Pattern[str]:
    known = [*deployed.evolink_keys, door.signing_key]
    return re.compile("|".join([*map(re.escape, known), _TOKEN.pattern, _SIGNED.pattern]))


def test_search_finds_each_kind_of_secret(door: Door, deployed: Deployed) -> None:
    """Otherwise the tests below would always pass."""
    secrets = _secrets(deployed, door)
    for leak in (
        f"Authorization: Bearer {deployed.evolink_keys[0]}",
        json.dumps({"callback_url": f"{door.url}/callbacks/{door.token('0' * 32, 1)}"}),
        "GET /uploads/a.jpg?X-Amz-Signature=0123",
    ):
        assert secrets.search(leak)


def test_arguments_of_servers_and_workers_have_no_secret(deployed: Deployed, door: Door) -> None:
    """Every user of the machine may read them."""
    shown = subprocess.run(["ps", "-Aww", "-o", "args="], capture_output=True, check=True)  # noqa: S607 - wherever it is
    arguments = shown.stdout.decode(errors="replace")
    assert f"ministack-lambda-{deployed.function_name('Submit')}-" in arguments
    cloud = deployed.cloud
    secrets = [*deployed.evolink_keys, door.signing_key, cloud.api.control_token]
    secrets += [cloud.operator.access_key_id, cloud.operator.secret_access_key]
    assert [one for one in secrets if one in arguments] == []


@pytest.mark.parametrize(
    "group",
    [
        "SubmitLogs",
        "PrepareLogs",
        "ReceiveCallbackLogs",
        "StoreResultLogs",
        "SweepLogs",
        "CallbackApiAccessLogs",
    ],
)
def test_no_log_line_has_a_secret(group: str, logs: Logs, deployed: Deployed, door: Door) -> None:
    """No API key, no signing key, no callback token, no presigned link, whatever happened."""
    secrets = _secrets(deployed, door)
    assert [line for line in logs.lines(group) if secrets.search(line)] == []


@pytest.mark.parametrize(
    "function", ["Submit", "Prepare", "ReceiveCallback", "StoreResult", "Sweep"]
)
def test_every_log_line_of_ours_is_json_and_names_its_service(function: str, logs: Logs) -> None:
    """So that logs can be searched; and there are lines, which the test above could read."""
    ours = [json.loads(line) for line in logs.lines(f"{function}Logs") if line.startswith("{")]
    # Metrics are counted for all functions together, under one name.
    services = {line["service"] for line in ours if "_aws" not in line}
    expected = {
        "Submit": "submit",
        "Prepare": "prepare",
        "ReceiveCallback": "receive-callback",
        "StoreResult": "store-result",
        "Sweep": "sweep",
    }
    assert services == {expected[function]}


def test_saved_query_uses_fields_that_are_logged(deployed: Deployed, logs: Logs) -> None:
    """Insights takes a misspelt field for one that no line has."""
    body = deployed.client("cloudformation").get_template(StackName=STACK)["TemplateBody"]
    template = json.loads(body) if isinstance(body, str) else body
    (query,) = (
        one["Properties"]["QueryString"]
        for one in template["Resources"].values()
        if one["Type"] == "AWS::Logs::QueryDefinition"
    )
    shown, asked, _order = query.split("\n| ")
    names = {*re.findall(r"@?\w+", shown.removeprefix("fields")), *re.findall(r"(\w+) =", asked)}
    ours = [group for group in logs.groups() if "Api" not in group]
    lines = [line for group in ours for line in logs.lines(group) if line.startswith("{")]
    logged = {name for line in lines for name in json.loads(line)}
    assert {"job_id", "key"} <= names
    assert names - logged == {"@timestamp", "@message"}


def test_log_of_the_local_cloud_has_no_secret(deployed: Deployed, door: Door) -> None:
    """It has the functions' output as well, their failures included."""
    secrets = _secrets(deployed, door)
    lines = (deployed.logs / "ministack.log").read_text(errors="replace").splitlines()
    assert any('"service":"submit"' in line for line in lines)
    assert [line for line in lines if secrets.search(line)] == []


def test_no_error_note_has_a_secret(photos: Photos, deployed: Deployed, door: Door) -> None:
    """They have the provider's message, and many may read them."""
    secrets = _secrets(deployed, door)
    notes = photos.note_keys()
    told = [stored.content.decode() for key in notes if (stored := photos.result(key))]
    assert len(told) >= 1
    assert [text for text in told if secrets.search(text)] == []


def test_job_of_a_finished_photo_has_no_link_to_it(photos: Photos, deployed: Deployed) -> None:
    """While a call is open its body is stored, link and token included; then it is deleted."""
    table = deployed.cloud.outputs["JobsTableName"]
    pages = deployed.client("dynamodb").get_paginator("scan").paginate(TableName=table)
    rows = [item for page in pages for item in page["Items"] if "state" in item]
    settled = [item for item in rows if State(item["state"]["S"]).is_settled]
    assert len(settled) >= len(photos.result_keys("logged/")) > 0
    told = [json.dumps(item) for item in settled]
    assert [item for item in told if _SIGNED.search(item) or _TOKEN.search(item)] == []


def test_no_message_became_a_dead_letter(queues: Queues) -> None:
    """Whatever happened."""
    assert queues.dead_letters() == 0


def test_sweep_is_started_by_its_schedule(deployed: Deployed, logs: Logs) -> None:
    """Every minute, besides the times that tests start it."""
    deployed.wait(
        lambda: logs.runs("Sweep") > len(deployed.own_sweeps),
        "the schedule to start Sweep",
        timeout_seconds=120,
    )
    assert logs.runs("Sweep") > len(deployed.own_sweeps)
