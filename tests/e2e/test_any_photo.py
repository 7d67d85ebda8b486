"""Photos that the model does not take as they are get cut-outs, too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import pillow_heif
import pytest
from PIL import Image, ImageChops, ImageStat

from cutout.domain.reasons import Reason
from cutout.domain.states import State, Transport
from infra.local.place import shipped_photos
from tests.contract.pillow.test_any_picture import CASES, PLACE, apart, reference
from tests.e2e.deployed import Deployed
from tests.e2e.photos import Photos
from tests.e2e.pictures import opened, saved, small_photo
from tests.e2e.stand_in import StandIn

_RIGHT = (
    "jpg-two-exif.jpg",
    "jpg-no-eoi.jpg",
    "png-big-xmp-16.png",
    "png-cicp-p3.png",
    "png-16-rgba.png",
    "tif-16-rgb-planar.tif",
    "jp2-16-rgb-white.jp2",
    "avif-clap.avif",
)
_REFUSED = ("raw.cr2", "png-all-clear.png")


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
    """A photo with more bytes than the model takes: noise, which no format makes small."""
    with Image.open(shipped_photos()[0]) as photo:
        large = photo.convert("RGB").resize((2000, 2000))
    noise = Image.effect_noise(large.size, 200).convert("RGB")
    return saved(Image.blend(large, noise, 0.5), "PNG")


@pytest.mark.parametrize(
    ("key", "make"),
    [("any/phone.heic", _heic), ("any/print.jpg", _cmyk), ("any/oversize.png", _oversize)],
)
def test_photo_that_the_model_does_not_take_is_sent_as_a_copy(
    key: str,
    make: Callable[[], bytes],
    photos: Photos,
    copies: StandIn,
    deployed: Deployed,
) -> None:
    """Prepared, sent as a link to the copy, cut out, paid once; the job has photo and copy."""
    upload = photos.put(key, make())
    job = photos.settled(upload)
    assert (job.state, job.photo is not None) == (State.COMPLETED, True)
    assert job.prepared is not None
    stored = deployed.client("s3").get_object(Bucket=copies.bucket, Key=job.prepared.key)
    with Image.open(BytesIO(stored["Body"].read())) as copy:
        assert (copy.format, copy.size) == ("JPEG", (job.prepared.width, job.prepared.height))
    assert Reason.PREPARING in {step.reason for step in job.history}
    assert copies.charges(job.prepared.key) == 1


@pytest.mark.parametrize("name", _RIGHT)
def test_picture_that_decoders_differ_about_comes_out_right(name: str, photos: Photos) -> None:
    """As other decoders show it: in its colours, and no less transparent than it is."""
    upload = photos.put(f"odd/{name}", (PLACE / "files" / name).read_bytes())
    job = photos.settled(upload)
    assert job.state is State.COMPLETED
    stored = photos.result(job.result_key or "")
    assert stored is not None
    cut_out = opened(stored.content)
    found = cut_out.getchannel("A")
    true = reference(name).resize(cut_out.size)
    colours, _ = apart(cut_out, found, true)
    assert colours <= CASES[name]["tolerance"]
    more = ImageChops.subtract(found, true.getchannel("A"))
    assert ImageStat.Stat(more).mean[0] < 1


@pytest.mark.parametrize("name", _REFUSED)
def test_picture_that_cannot_be_cut_out_costs_nothing(
    name: str, photos: Photos, stand_in: StandIn
) -> None:
    """The job has the true reason."""
    upload = photos.put(f"odd/{name}", (PLACE / "files" / name).read_bytes())
    job = photos.settled(upload)
    assert (job.state, job.reason) == (State.REJECTED, Reason(CASES[name]["reasons"][-1]))
    assert stand_in.posts(upload.key) == 0


def test_copy_that_the_provider_cannot_fetch_is_uploaded_to_the_files_api(
    photos: Photos, copies: StandIn
) -> None:
    """Like a photo."""
    copies.commit("task:unreachable-input", "prepared/", times=1)
    upload = photos.put("any/unfetchable.tif", saved(opened(small_photo(3)), "TIFF"))
    job = photos.settled(upload, is_swept=True)
    assert (job.state, job.transport) == (State.COMPLETED, Transport.FILES)


def test_damaged_picture_is_rejected_when_it_is_decoded(photos: Photos, stand_in: StandIn) -> None:
    """Before anything is paid, and with the reason in the job."""
    damaged = photos.put("any/damaged.heic", _heic()[:-500])
    assert photos.settled(damaged).reason is Reason.DAMAGED_PHOTO
    assert stand_in.posts(damaged.key) == 0
