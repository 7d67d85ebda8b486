"""Photos that the model does not take as they are come out as cut-outs all the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import pillow_heif
import pytest
from PIL import Image

from cutout.local.place import shipped_photos
from cutout.states import Reason, State, Transport
from tests.e2e.deployed import Deployed
from tests.e2e.photos import Photos
from tests.e2e.pictures import opened, saved, small_photo
from tests.e2e.stand_in import StandIn


@pytest.fixture
def copies(deployed: Deployed, stand_in: StandIn) -> StandIn:
    """The stand-in, asked about copies instead of photos."""
    return replace(stand_in, bucket=deployed.cloud.outputs["WorkBucketName"])


def _heic() -> bytes:
    file = BytesIO()
    pillow_heif.from_pillow(opened(small_photo(1))).save(file, quality=80)
    return file.getvalue()


def _cmyk() -> bytes:
    return saved(opened(small_photo(2)).convert("CMYK"), "JPEG")


def _oversize() -> bytes:
    """More bytes than the model takes: noise in every pixel, which no format makes small."""
    with Image.open(shipped_photos()[0]) as photo:
        large = photo.convert("RGB").resize((2000, 2000))
    noise = Image.effect_noise(large.size, 200).convert("RGB")
    return saved(Image.blend(large, noise, 0.5), "PNG")


@pytest.mark.parametrize(
    ("key", "make"),
    [("any/phone.heic", _heic), ("any/print.jpg", _cmyk), ("any/oversize.png", _oversize)],
)
def test_what_the_model_does_not_take_is_sent_as_a_copy(
    key: str,
    make: Callable[[], bytes],
    photos: Photos,
    copies: StandIn,
    deployed: Deployed,
) -> None:
    """Prepared, lent by a link to the copy, cut out, paid once; the row knows photo and copy."""
    upload = photos.put(key, make())
    job = photos.settled(upload)
    assert (job.state, job.photo is not None) == (State.COMPLETED, True)
    assert job.prepared is not None
    stored = deployed.client("s3").get_object(Bucket=copies.bucket, Key=job.prepared.key)
    with Image.open(BytesIO(stored["Body"].read())) as copy:
        assert (copy.format, copy.size) == ("JPEG", (job.prepared.width, job.prepared.height))
    assert Reason.PREPARING in {step.reason for step in job.history}
    assert copies.charges(job.prepared.key) == 1


def test_a_copy_that_the_provider_cannot_fetch_goes_through_the_files_api(
    photos: Photos, copies: StandIn
) -> None:
    """As a photo does; the copy is what is handed over."""
    copies.commit("task:unreachable-input", "prepared/", times=1)
    upload = photos.put("any/unfetchable.tif", saved(opened(small_photo(3)), "TIFF"))
    job = photos.settled(upload, is_swept=True)
    assert (job.state, job.transport) == (State.COMPLETED, Transport.FILES)


def test_a_damaged_picture_is_rejected_by_whoever_decodes_it(
    photos: Photos, stand_in: StandIn
) -> None:
    """Before anything is paid, and with the reason on the row."""
    damaged = photos.put("any/damaged.heic", _heic()[:-500])
    assert photos.settled(damaged).reason is Reason.DAMAGED_PHOTO
    assert stand_in.posts(damaged.key) == 0
