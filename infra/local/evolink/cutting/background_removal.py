"""Removing the background of a photo: GrabCut on a small copy, a fine edge on the photo itself."""

from io import BytesIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from infra.local.evolink.cutting.saliency import subject_score

Pixels = NDArray[np.uint8]
Plane = NDArray[np.float32]

_LEAST_SIDE = 16
_SEED_SIDE = 144
_CUT_SIDE = 288
_EDGE_SIDE = 768
_ITERATIONS = 4
_REPEATABLE = 1  # seed: GrabCut starts from random clusters
_CERTAIN = 1.4  # log-odds beyond which GrabCut may not reclassify a pixel
_SLIVER = 7  # pixels of the small copy
_NOTCH = 17
_EDGE = 4
_LEAST_PART = 0.15  # of the largest piece; smaller pieces are not part of the subject
_LARGEST_HOLE = 0.02  # of the subject; larger holes stay open
_SUBJECT_SHARE = (0.002, 0.995)
_SMOOTHNESS = 2e-4  # of the guided filter; intensities are 0 to 1
_FIRM_ALPHA = (0.1, 0.9)  # of the filter; values beyond are set to 0 and 1
_FIRM = 240
_ENOUGH_NEAR = 0.02


def remove_background(photo: Image.Image) -> Image.Image:
    """Return the photo, upright and of its own size, with its background made transparent.

    Only the last step works on every pixel of a large photo, which limits the memory.
    """
    upright = ImageOps.exif_transpose(photo).convert("RGB")
    subject = _subject(_shrunk(upright, _CUT_SIDE), subject_score(_shrunk(upright, _SEED_SIDE)))
    guide = _shrunk(upright, _EDGE_SIDE)
    alpha = _matte(guide, subject)
    colours, replaced = _without_fringe(guide, alpha)
    cut = upright.copy()
    cut.paste(
        Image.fromarray(colours).resize(upright.size),
        mask=Image.fromarray(replaced).resize(upright.size, Image.Resampling.NEAREST),
    )
    cut.putalpha(Image.fromarray(alpha).resize(upright.size, Image.Resampling.BILINEAR))
    return cut


def encode_png(picture: Image.Image) -> bytes:
    """Return the picture as the bytes of a PNG file."""
    buffer = BytesIO()
    picture.save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def _shrunk(picture: Image.Image, side: int) -> Pixels:
    """Return a copy of at most ``side`` pixels a side, but large enough for the filters."""
    scale = min(1.0, side / max(picture.size))
    width, height = (max(_LEAST_SIDE, round(length * scale)) for length in picture.size)
    return np.asarray(picture.resize((width, height), Image.Resampling.BOX))


def _subject(pixels: Pixels, score: NDArray[np.float64]) -> Pixels:
    """Return 1 where the subject is and 0 elsewhere."""
    height, width = pixels.shape[:2]
    likely = cv2.resize(score, (width, height))
    mask = np.where(likely > 0, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    mask[likely > _CERTAIN] = cv2.GC_FGD
    mask[likely < -_CERTAIN] = cv2.GC_BGD
    if {cv2.GC_BGD, cv2.GC_PR_BGD}.isdisjoint(np.unique(mask)):
        mask[:2] = cv2.GC_BGD
    if {cv2.GC_FGD, cv2.GC_PR_FGD}.isdisjoint(np.unique(mask)):
        mask[height // 4 : -height // 4, width // 4 : -width // 4] = cv2.GC_PR_FGD
    cv2.setRNGSeed(_REPEATABLE)
    cv2.grabCut(
        np.ascontiguousarray(pixels[..., ::-1]),
        mask,
        (0, 0, width, height),
        np.zeros((1, 65)),
        np.zeros((1, 65)),
        _ITERATIONS,
        cv2.GC_INIT_WITH_MASK,
    )
    return _or_middle(
        _without_fragments(np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8))
    )


def _or_middle(subject: Pixels) -> Pixels:
    """Return the subject, or the middle of a picture without a clear subject."""
    least, most = _SUBJECT_SHARE
    if least < subject.mean() < most:
        return subject
    height, width = subject.shape
    middle = np.zeros_like(subject)
    cv2.ellipse(middle, (width // 2, height // 2), (width // 3, height // 3), 0, 0, 360, 1, -1)
    return middle


def _without_fragments(subject: Pixels) -> Pixels:
    """Remove slivers and small pieces, fill notches and small holes."""
    opened = _brushed(subject, cv2.MORPH_OPEN, _SLIVER)
    areas = _areas(opened if opened.any() else subject)
    kept = (areas >= max(1, areas.max() * _LEAST_PART)).astype(np.uint8)
    closed = _brushed(kept, cv2.MORPH_CLOSE, _NOTCH)
    holes = _areas(1 - closed)
    closed[(holes > 0) & (holes <= closed.sum() * _LARGEST_HOLE)] = 1
    return closed


def _brushed(mask: Pixels, operation: int, width: int) -> Pixels:
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    padded = cv2.copyMakeBorder(mask, width, width, width, width, cv2.BORDER_REPLICATE)
    brushed = cv2.morphologyEx(padded, operation, brush)[width:-width, width:-width]
    return np.ascontiguousarray(brushed, dtype=np.uint8)


def _areas(mask: Pixels) -> NDArray[np.int64]:
    """Return for each pixel of the mask the area of its piece, 0 outside."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    sizes = stats[:, cv2.CC_STAT_AREA].astype(np.int64)
    sizes[0] = 0
    return np.asarray(sizes[labels])


def _matte(pixels: Pixels, subject: Pixels) -> Pixels:
    """Return the alpha of the picture: the subject's edge, moved to the picture's own edges.

    A guided filter (He, Sun and Tang, 2010): within a window, alpha is a linear function of the
    colour. Far from the subject's edge alpha is set to 0 or 255.
    """
    height, width = pixels.shape[:2]
    longest = max(height, width)
    guide = pixels.astype(np.float32) / np.float32(255)
    rough = _enlarged(subject.astype(np.float32), width, height)
    rough = np.asarray(cv2.GaussianBlur(rough, (0, 0), longest / _CUT_SIDE), np.float32)
    slopes, offset = _linear_model(guide, rough, radius=max(2, longest // 110))
    low, high = _FIRM_ALPHA
    alpha = np.clip(((slopes * guide).sum(axis=2) + offset - low) / (high - low), 0, 1)
    settled = np.rint(_enlarged(_settled(subject), width, height))
    alpha = np.where(settled == 0, alpha, settled > 0)
    return np.asarray(np.rint(alpha * 255), dtype=np.uint8)


def _settled(subject: Pixels) -> Plane:
    """Return 1 well inside the subject, -1 well outside, 0 along its edge."""
    inside = cv2.distanceTransform(subject, cv2.DIST_L2, 3)
    outside = cv2.distanceTransform(1 - subject, cv2.DIST_L2, 3)
    return np.asarray((inside > _EDGE).astype(np.float32) - (outside > _EDGE))


def _enlarged(plane: Plane, width: int, height: int) -> Plane:
    return np.asarray(cv2.resize(plane, (width, height)), np.float32)


def _linear_model(guide: Plane, target: Plane, radius: int) -> tuple[Plane, Plane]:
    """Fit target = slopes * colour + offset in the window around every pixel."""

    def window(plane: NDArray[np.float32]) -> Plane:
        side = 2 * radius + 1
        return np.asarray(cv2.blur(plane, (side, side), borderType=cv2.BORDER_REFLECT))

    mean, mean_target = window(guide), window(target)
    products = np.einsum("hwi,hwj->hwij", guide, guide).reshape(*guide.shape[:2], 9)
    covariance = window(products).reshape(*guide.shape[:2], 3, 3)
    covariance -= np.einsum("hwi,hwj->hwij", mean, mean)
    covariance += np.eye(3, dtype=np.float32) * _SMOOTHNESS
    shared = window(guide * target[..., None]) - mean * mean_target[..., None]
    slopes = np.linalg.solve(covariance, shared[..., None])[..., 0].astype(np.float32)
    offset = mean_target - (slopes * mean).sum(axis=2)
    return window(slopes), window(offset)


def _without_fringe(pixels: Pixels, alpha: Pixels) -> tuple[Pixels, Pixels]:
    """Return the subject's colours spread over its edge, and 255 where to use them.

    Half-transparent pixels contain some of the background's colour, which would show as a seam.
    """
    reach = max(3, max(alpha.shape) // 150) * 2 + 1
    firm = (alpha > _FIRM).astype(np.float32)
    weight = cv2.blur(firm, (reach, reach))
    sums = cv2.blur(pixels * firm[..., None], (reach, reach))
    colours = np.clip(sums / np.maximum(weight, 1e-6)[..., None], 0, 255).astype(np.uint8)
    replaced = (firm == 0) & (alpha > 0) & (weight > _ENOUGH_NEAR)
    return colours, (replaced * 255).astype(np.uint8)
