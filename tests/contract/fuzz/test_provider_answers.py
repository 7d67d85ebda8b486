"""Fuzzed answers of the provider: each becomes a value that can be stored, or our error."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import httpx
from hypothesis import given
from hypothesis import strategies as st

from cutout.adapters.evolink import task_id_of_callback
from cutout.adapters.evolink.api_key import refusal_of
from cutout.adapters.evolink.files_api import EvolinkFiles
from cutout.adapters.http_httpx.fetching import FetchLimits, SafeDownloads
from cutout.adapters.http_httpx.sending import HttpxHttp
from cutout.domain.errors import CutoutError
from cutout.domain.provider_outcomes import (
    Accepted,
    NotSent,
    OutcomeUnknown,
    PhotoAccess,
    Refused,
    Task,
)
from tests.contract.fuzz.profiles import fuzzed
from tests.support.provider_transport import Key, Provider, api

TASK = "task-unified-1795166131-4k7q2m9x"
LONGEST = 8192
LETTERS = st.text(st.characters(), max_size=40) | st.text("a\ud800\udfff\0/.:", max_size=400)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | LETTERS
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(LETTERS, inner, max_size=4)
)
IDS = st.just(TASK) | JSON
MEMBERS = st.fixed_dictionaries(
    {},
    optional={
        "id": IDS,
        "task_id": IDS,
        "status": st.sampled_from(["completed", "FAILED", "cancelled"]) | JSON,
        "results": JSON,
        "result_data": JSON,
        "usage": st.dictionaries(st.sampled_from(["credits_used", "credits_reserved"]), JSON)
        | JSON,
        "error": st.dictionaries(st.sampled_from(["code", "message", "type"]), JSON) | JSON,
        "code": JSON,
        "msg": JSON,
        "data": JSON,
    },
)
DOCUMENTS = MEMBERS | st.builds(lambda inner: {"data": inner}, MEMBERS) | JSON
BODIES = st.binary(max_size=200) | DOCUMENTS.map(lambda told: json.dumps(told).encode())
STATUSES = st.sampled_from([200, 201, 202, 204, 302, 400, 401, 402, 403, 404, 409, 429, 500, 503])
HEADERS = st.dictionaries(
    st.sampled_from(
        ["Retry-After", "Idempotency-Replayed", "Content-Encoding", "Location", "Content-Type"]
    ),
    st.binary(max_size=60).map(lambda raw: raw.translate(None, b"\r\n\0")),
)
ANSWERS = st.builds(
    lambda status, headers, body: httpx.Response(
        status,
        headers=[(name.encode(), value) for name, value in headers.items()],
        stream=httpx.ByteStream(body),
    ),
    STATUSES,
    HEADERS,
    BODIES,
)


def can_be_kept(value: Any) -> bool:
    """Every text of an outcome is bounded and can be written as UTF-8."""
    texts = [getattr(value, field.name) for field in fields(value)]
    return all(
        len(text) <= LONGEST and text.encode("utf-8") is not None
        for text in texts
        if isinstance(text, str)
    )


@given(ANSWERS)
@fuzzed
def test_every_answer_to_the_paid_call_is_an_outcome(answer: httpx.Response) -> None:
    """Nothing is raised: a call without an outcome would hold its slot."""
    outcome = api(Provider([answer, answer])).create("{}", "cutout-1-1")
    assert isinstance(outcome, Accepted | Refused | NotSent | OutcomeUnknown)
    assert can_be_kept(outcome)


@given(ANSWERS)
@fuzzed
def test_every_answer_about_a_task_is_that_task_or_our_error(answer: httpx.Response) -> None:
    """Never another task, and never an error of a library."""
    try:
        task = api(Provider([answer, answer])).read(TASK)
    except CutoutError:
        return
    assert isinstance(task, Task)
    assert task.id == TASK
    assert can_be_kept(task)


@given(ANSWERS)
@fuzzed
def test_every_answer_to_an_upload_is_an_outcome(answer: httpx.Response) -> None:
    """Whether the Files API or a proxy answers."""
    http = HttpxHttp(transport=httpx.MockTransport(Provider([answer, answer])))
    handed = EvolinkFiles(http, "https://files.example", Key()).upload("a", "image/png", b"x")
    assert isinstance(handed, PhotoAccess | Refused | NotSent)
    assert can_be_kept(handed)


@given(BODIES | LETTERS.map(lambda text: text.encode(errors="replace")))
@fuzzed
def test_every_callback_body_has_a_valid_task_id_or_none(body: bytes) -> None:
    """As the function decodes it."""
    named = task_id_of_callback(body.decode(errors="replace"))
    assert named is None or (named.isascii() and named[0].isalnum() and len(named) <= 128)


@given(LETTERS)
@fuzzed
def test_every_api_key_is_sent_or_refused(key: str) -> None:
    """A key that is not refused fits into a header; no message contains it."""
    refused = refusal_of(key)
    if refused is None:
        httpx.Request("GET", "https://api.example", headers={"Authorization": f"Bearer {key}"})
        return
    assert can_be_kept(refused)


LINKS = LETTERS | st.builds(
    "{}://{}{}/{}".format,
    st.sampled_from(["https", "http", "HTTPS", "ftp"]),
    LETTERS | st.sampled_from(["xn--", "media.example", "[::1", "127.0.0.1", "a@b", "0x7f.1"]),
    st.sampled_from(["", ":0", ":443", ":99999", ":x"]),
    LETTERS,
)


@given(LINKS, ANSWERS)
@fuzzed
def test_every_link_brings_a_file_or_our_error(
    tmp_path_factory: Any, link: str, answer: httpx.Response
) -> None:
    """The link is untrusted text, and so is its content."""
    file = tmp_path_factory.mktemp("fetched") / "result"
    downloads = SafeDownloads(
        FetchLimits(max_bytes=1000),
        resolver=lambda _host, _port: ["93.184.215.14"],
        transport=httpx.MockTransport(lambda _request: answer),
    )
    try:
        size = downloads.fetch(link, file)
    except CutoutError:
        return
    assert size == file.stat().st_size <= 1000
