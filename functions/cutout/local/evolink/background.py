"""Removing the background of a photo with GrabCut."""

from io import BytesIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

Mask = NDArray[np.uint8]

_WORKING_SIDE = 512
_ITERATIONS = 5


def remove_background(photo: Image.Image) -> Image.Image:
    """Return the photo, upright and of its own size, with its background made transparent."""
    upright = ImageOps.exif_transpose(photo).convert("RGB")
    small = upright.copy()
    small.thumbnail((_WORKING_SIDE, _WORKING_SIDE))
    alpha = Image.fromarray(_subject(np.asarray(small))).resize(
        upright.size, Image.Resampling.BICUBIC
    )
    upright.putalpha(alpha)
    return upright


def encode_png(picture: Image.Image) -> bytes:
    """Return the picture as the bytes of a PNG file."""
    buffer = BytesIO()
    picture.save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def _subject(pixels: NDArray[np.uint8]) -> Mask:
    height, width = pixels.shape[:2]
    mask = np.full((height, width), cv2.GC_PR_FGD, np.uint8)
    cv2.grabCut(
        pixels[:, :, ::-1].copy(),
        mask,
        (width // 16, height // 32, width - width // 8, height - height // 16),
        np.zeros((1, 65)),
        np.zeros((1, 65)),
        _ITERATIONS,
        cv2.GC_INIT_WITH_RECT,
    )
    kept = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD))
    return cv2.GaussianBlur((kept * 255).astype(np.uint8), (0, 0), 1.5).astype(np.uint8)
