"""Removing the background of a photo with a small neural network."""

from functools import cache
from io import BytesIO
from threading import Lock

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from infra.local.evolink.model_file import MODEL, check_model

_SIDE = 320  # pixels; the model was trained on squares of this size
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
_FINEST_MAP = "1959"  # of the model's seven outputs
_BACKGROUND, _SUBJECT = 51, 204
"""The edge is blurred when it is enlarged. Levels outside this range become 0 and 255."""
_ALPHA = [
    round(255 * min(1.0, max(0.0, (level - _BACKGROUND) / (_SUBJECT - _BACKGROUND))))
    for level in range(256)
]
_inference = Lock()


def remove_background(photo: Image.Image) -> Image.Image:
    """Return the photo, upright and of its own size, with its background made transparent."""
    cut = ImageOps.exif_transpose(photo).convert("RGB")
    subject = Image.fromarray(_subject(cut)).resize(cut.size, Image.Resampling.BICUBIC)
    cut.putalpha(subject.point(_ALPHA))
    return cut


def encode_png(picture: Image.Image) -> bytes:
    """Return the picture as the bytes of a PNG file."""
    buffer = BytesIO()
    picture.save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def _subject(photo: Image.Image) -> NDArray[np.uint8]:
    """Return a square map of the photo: 255 where the subject is most likely, 0 where least."""
    small = photo.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    pixels = np.asarray(small, np.float32)
    pixels = (pixels / max(1, pixels.max()) - _MEAN) / _DEVIATION
    with _inference:  # not in parallel: each network takes 250 MB
        net = _network()
        net.setInput(np.ascontiguousarray(pixels.transpose(2, 0, 1)[np.newaxis]))
        likely = net.forward(_FINEST_MAP)[0, 0]
        levels = np.interp(likely, (likely.min(), likely.max()), (0, 255))
    return np.asarray(levels, np.uint8)


@cache
def _network() -> cv2.dnn.Net:
    check_model()
    return cv2.dnn.readNetFromONNX(str(MODEL))
