"""From an upload to a cut-out, through the deployed stack alone."""

from __future__ import annotations

import json

import pytest

from cutout.domain.reasons import Reason
from cutout.domain.states import State
from infra.local.place import shipped_photos
from tests.e2e.bus import Event, Listener
from tests.e2e.deployed import Deployed
from tests.e2e.photos import Photos, Upload
from tests.e2e.pictures import opened, small_photo
from tests.e2e.queues import Queues
from tests.e2e.stand_in import StandIn

_PHOTOS = {path.stem: path for path in shipped_photos()}
_METADATA = {"photographer": "Ada", "x-order": "A-4711"}
_TAGS = {"season": "spring & summer", "größe": "40/41"}


@pytest.fixture(scope="module")
def shop(photos: Photos, bus: Listener) -> dict[str, Upload]:  # noqa: ARG001 - it must listen before
    """The photos of the project, uploaded at once, with metadata and tags."""
    return {
        name: photos.put(f"shop/{path.name}", path.read_bytes(), metadata=_METADATA, tags=_TAGS)
        for name, path in _PHOTOS.items()
    }


@pytest.mark.parametrize("name", sorted(_PHOTOS))
def test_photo_becomes_a_transparent_png_of_its_own_size(
    name: str, shop: dict[str, Upload], photos: Photos, stand_in: StandIn
) -> None:
    """The cut-out is a whole PNG, transparent around the opaque subject, and paid for once."""
    job = photos.settled(shop[name])
    stored = photos.result(f"shop/{name}.png")
    assert (job.state, job.reason) == (State.COMPLETED, None)
    assert stored is not None
    assert stored.content_type == "image/png"
    cut_out = opened(stored.content)
    assert (cut_out.format, cut_out.size) == ("PNG", opened(shop[name].content).size)
    assert cut_out.getchannel("A").getextrema() == (0, 255)
    assert stand_in.charges(f"shop/{_PHOTOS[name].name}") == 1


@pytest.mark.parametrize("name", sorted(_PHOTOS))
def test_cut_out_has_its_photos_labels_and_its_provenance(
    name: str, shop: dict[str, Upload], photos: Photos
) -> None:
    """User metadata and tags are copied; provenance is added."""
    job = photos.settled(shop[name])
    stored = photos.result(f"shop/{name}.png")
    assert stored is not None
    assert job.attempt is not None
    assert stored.tags == _TAGS
    assert stored.metadata == _METADATA | {
        "cutout-job": shop[name].job_id,
        "cutout-source-version": shop[name].version_id,
        "cutout-source-order": job.source.order,
        "cutout-model": "mj-v7-remove-bg",
        "cutout-task": job.attempt.task_id,
    }


@pytest.mark.parametrize("name", sorted(_PHOTOS))
def test_completed_photo_is_announced_on_the_event_bus(
    name: str, shop: dict[str, Upload], photos: Photos, bus: Listener, deployed: Deployed
) -> None:
    """Other programs get an event with all they need, at least once."""
    job = photos.settled(shop[name])
    assert job.result is not None
    deployed.wait(lambda: bool(bus.of(job.id)), f"the event of {name}")
    event, *again = bus.of(job.id)
    assert all(one == event for one in again)
    assert event == Event(
        kind="Cutout Completed",
        body=event.body,
        detail={
            "schema": "1.2",
            "job": job.id,
            "state": "completed",
            "reason": None,
            "code": None,
            "message": None,
            "source": {
                "bucket": photos.bucket,
                "key": f"shop/{_PHOTOS[name].name}",
                "version": shop[name].version_id,
            },
            "result": {
                "bucket": photos.results_bucket,
                "key": f"shop/{name}.png",
                "size": job.result.size,
                "width": job.result.width,
                "height": job.result.height,
            },
            "variants": [],
            "variants_failed": [],
            "credits": 5.4,
            "reused": None,
            "decision": None,
            "seconds": event.detail["seconds"],
        },
    )
    assert event.detail["seconds"] > 0


@pytest.fixture
def text_file(photos: Photos, bus: Listener) -> Upload:  # noqa: ARG001 - it must listen before
    """A renamed text file."""
    return photos.put("inbox/letter.jpg", b"Dear photographer, please find enclosed\n" * 30)


def test_text_file_named_jpg_is_rejected_and_costs_nothing(
    text_file: Upload, photos: Photos, stand_in: StandIn, bus: Listener, deployed: Deployed
) -> None:
    """The content decides, not the name; no cut-out of a letter is paid for."""
    job = photos.settled(text_file)
    assert (job.state, job.reason) == (State.REJECTED, Reason.NOT_A_PHOTO)
    assert job.attempts == ()
    assert stand_in.posts("inbox/letter.jpg") == 0
    assert photos.result_keys("inbox/letter") == []
    deployed.wait(lambda: bool(bus.of(job.id)), "the event of the letter")
    assert [(it.kind, it.detail["state"], it.detail["reason"]) for it in bus.of(job.id)] == [
        ("Cutout Failed", "rejected", "not-a-photo")
    ]


@pytest.mark.parametrize(
    ("key", "content", "reason"),
    [
        ("inbox/folder/", b"", Reason.FOLDER_MARKER),
        ("inbox/empty.jpg", b"", Reason.EMPTY_OBJECT),
        ("inbox/cut short.jpg", small_photo()[:-400], Reason.DAMAGED_PHOTO),
        ("inbox/old.tiff", b"II*\0" + bytes(200), Reason.DAMAGED_PHOTO),
        ("inbox/layers.psd", b"8BPS" + bytes(200), Reason.UNSUPPORTED_FORMAT),
    ],
)
def test_photo_that_the_model_does_not_take_is_rejected_with_its_reason(
    key: str, content: bytes, reason: Reason, photos: Photos, stand_in: StandIn
) -> None:
    """Folder markers, empty objects, damaged and foreign files are refused before the paid call."""
    job = photos.settled(photos.put(key, content))
    assert (job.state, job.reason, stand_in.posts(key)) == (State.REJECTED, reason, 0)


def test_job_of_a_refused_photo_has_the_providers_code_and_message(
    photos: Photos, stand_in: StandIn, bus: Listener, deployed: Deployed
) -> None:
    """A refusal is final and costs nothing; its code and message are stored and announced."""
    key, words = "inbox/refused.jpg", "The image shows nothing at all"
    stand_in.commit("create:422", key, code="invalid_parameters", message=words)
    job = photos.settled(photos.put(key))
    assert (job.state, job.reason) == (State.FAILED, Reason.REFUSED_BY_PROVIDER)
    assert (job.code, job.message) == ("invalid_parameters", words)
    assert (stand_in.posts(key), stand_in.charges(key)) == (1, 0)
    deployed.wait(lambda: bool(bus.of(job.id)), "the event of the refusal")
    assert [(it.kind, it.detail["code"], it.detail["message"]) for it in bus.of(job.id)] == [
        ("Cutout Failed", "invalid_parameters", words)
    ]


@pytest.mark.parametrize(("way", "number"), [("copied", 971), ("in parts", 972)])
def test_photo_is_cut_out_however_it_was_uploaded(
    way: str, number: int, photos: Photos, stand_in: StandIn, deployed: Deployed
) -> None:
    """Copied from another bucket, or uploaded in parts as large files are."""
    key = f"landed/{way}.jpg"
    content = small_photo(number)
    s3 = deployed.client("s3")
    place = {"Bucket": photos.bucket, "Key": key}
    if way == "copied":
        origin = {"Bucket": photos.results_bucket, "Key": "origin/photo.jpg"}
        s3.put_object(**origin, Body=content)
        answer = s3.copy_object(**place, CopySource=origin)
    else:
        begun = {**place, "UploadId": s3.create_multipart_upload(**place)["UploadId"]}
        part = s3.upload_part(**begun, PartNumber=1, Body=content)
        parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        answer = s3.complete_multipart_upload(**begun, MultipartUpload=parts)
    job = photos.settled(photos.landed(key, answer["VersionId"], content))
    assert (job.state, stand_in.charges(key)) == (State.COMPLETED, 1)
    assert photos.result_keys("landed/" + way) == [f"landed/{way}.png"]


def test_two_photos_of_one_name_get_two_cut_outs(photos: Photos) -> None:
    """`a.jpg` and `a.png` in one folder would both become `a.png`; neither overwrites the other."""
    uploads = [
        photos.put("twins/a.jpg", small_photo(1)),
        photos.put("twins/a.png", small_photo(2, format_="PNG")),
    ]
    jobs = photos.all_settled(uploads)
    results = {job.source.key: job.result.key for job in jobs if job.result is not None}
    assert sorted(results) == ["twins/a.jpg", "twins/a.png"]
    assert sorted(results.values()) == sorted(photos.result_keys("twins/"))
    assert results["twins/a.png"] in {"twins/a.png", "twins/a.png.png"}
    for upload in uploads:
        stored = photos.result(results[upload.key])
        assert stored is not None
        assert stored.metadata["cutout-job"] == upload.job_id


def test_our_own_cut_outs_are_not_cut_out_again(
    photos: Photos, s3_events: Listener, queues: Queues, deployed: Deployed, stand_in: StandIn
) -> None:
    """They are in another place than uploads; even an event of one makes no job."""
    upload = photos.put("loop/once.jpg")
    job = photos.settled(upload)
    assert job.result is not None
    deployed.wait(lambda: bool(s3_events.about(upload.key)), "S3's event")
    looped = json.loads(s3_events.about(upload.key)[0].body)
    looped["detail"]["bucket"]["name"] = job.result.bucket
    looped["detail"]["object"]["key"] = job.result.key
    queues.submit(json.dumps(looped))
    queues.wait_until_empty()
    assert photos.jobs.of_source(job.result.bucket, job.result.key, limit=1) == []
    assert len(stand_in.entries("post", "loop/")) == 1


def test_repeated_event_is_one_job_and_one_payment(
    photos: Photos, s3_events: Listener, queues: Queues, deployed: Deployed, stand_in: StandIn
) -> None:
    """S3 and SQS deliver at least once; a repeat, early or late, changes nothing."""
    upload = photos.put("repeated/one.jpg")
    deployed.wait(lambda: bool(s3_events.about(upload.key)), "S3's event")
    (event,) = s3_events.about(upload.key)
    queues.submit(event.body, times=4)
    before = photos.settled(upload)
    queues.submit(event.body, times=2)
    queues.wait_until_empty()
    assert photos.job(upload) == before
    assert len(photos.jobs.of_source(photos.bucket, upload.key, limit=10)) == 1
    assert (stand_in.posts(upload.key), stand_in.charges(upload.key)) == (1, 1)


def test_outputs_of_the_stack_have_the_names_that_other_programs_use(
    deployed: Deployed,
) -> None:
    """Programs find the stack's parts by them."""
    assert sorted(deployed.cloud.outputs) == [
        "ApiKeySecretName",
        "CallbackUrl",
        "CallbacksDeadLetterQueueUrl",
        "CallbacksQueueUrl",
        "DashboardName",
        "JobsTableName",
        "PreparationsDeadLetterQueueUrl",
        "PreparationsQueueUrl",
        "Recipes",
        "ResultsBucketName",
        "SubmissionsDeadLetterQueueUrl",
        "SubmissionsQueueUrl",
        "UploadsBucketName",
        "Version",
        "WorkBucketName",
    ]
