"""Where the subject of a photo probably is: the seed for GrabCut.

The score adds three features of patches of similar colour: whether the patch's colour is more
common in the middle or along the edge; how strongly it is connected to the edge ("Saliency
Optimization from Robust Background Detection", Zhu et al., CVPR 2014); and how near it is to the
middle. The bottom edge often cuts the subject off, so it counts less as background.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Plane = NDArray[np.float64]

_PATCHES = 200
_PATCH_COMPACTNESS = 12.0
_KMEANS_ITERATIONS = 6
_LIGHTNESS_COUNTS = 0.6  # shadows change lightness, not hue
_SAME_COLOUR = 8.0  # distances in CIE Lab
_UNNOTICED_STEP = 3.0
_MIDDLE = 0.22  # of the picture's sides
_BOTTOM_COUNTS = 0.25
_LOWER_SIDES_COUNT = 0.5
_LOWER_PART = 2 / 3
_EDGE_WEIGHT = 2.0
_SUBJECT_FIRST = 0.15


@dataclass(frozen=True, kw_only=True)
class _Patches:
    """Patches of similar colour: which pixel is in which, and their means."""

    labels: NDArray[np.intp]
    sizes: Plane
    colours: Plane
    centres: Plane

    @property
    def count(self) -> int:
        return len(self.sizes)

    def mean(self, plane: Plane) -> Plane:
        sums = np.bincount(self.labels.ravel(), plane.ravel(), self.count)
        return np.asarray(sums / self.sizes)


def subject_score(pixels: Pixels) -> Plane:
    """Return for every RGB pixel how likely it is the subject, as log-odds of about -4 to 4.

    Use a small picture (some 150 pixels a side): every pair of patches is compared.
    """
    patches = _patches(pixels)
    firmness = _edge_firmness(patches)
    score = (
        _colour_log_odds(patches)
        + _EDGE_WEIGHT * np.clip(_area_mean(patches, firmness) - firmness, -0.5, 0.6)
    )[patches.labels]
    score += _nearness(patches.labels.shape) - 0.5 + _SUBJECT_FIRST
    return np.asarray(cv2.GaussianBlur(score, (0, 0), 1.2), dtype=np.float64)


def _patches(pixels: Pixels) -> _Patches:
    """Group pixels by colour and place, starting from a grid (as SLIC superpixels do)."""
    height, width = pixels.shape[:2]
    lab = np.asarray(cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float64)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float64)
    step = max(1.0, (height * width / _PATCHES) ** 0.5)
    places = np.dstack([columns, rows]) * (_PATCH_COMPACTNESS / step)
    across = max(1, round(width / step))
    down = max(1, round(height / step))
    grid = (rows * down // height) * across + columns * across // width
    _, found, _ = cv2.kmeans(
        np.dstack([lab, places]).reshape(-1, 5).astype(np.float32),
        across * down,
        grid.reshape(-1, 1).astype(np.int32),
        (cv2.TERM_CRITERIA_MAX_ITER, _KMEANS_ITERATIONS, 0),
        1,
        cv2.KMEANS_USE_INITIAL_LABELS,
    )
    _, numbers = np.unique(found, return_inverse=True)
    labels = numbers.reshape(height, width)
    sizes = np.bincount(labels.ravel()).astype(np.float64)

    def means(*planes: Plane) -> Plane:
        return np.stack(
            [np.bincount(labels.ravel(), plane.ravel()) / sizes for plane in planes], axis=1
        )

    return _Patches(
        labels=labels,
        sizes=sizes,
        colours=means(lab[..., 0], lab[..., 1], lab[..., 2]),
        centres=means((columns + 0.5) / width, (rows + 0.5) / height),
    )


def _distances(vectors: Plane) -> Plane:
    return np.asarray(np.linalg.norm(vectors[:, None] - vectors[None], axis=2))


def _area_mean(patches: _Patches, values: Plane) -> float:
    return float(np.average(values, weights=patches.sizes))


def _colour_log_odds(patches: _Patches) -> Plane:
    """Compare how common a patch's colour is in the middle and along the edge."""
    stretch = np.array([_LIGHTNESS_COUNTS, 1.3, 1.3])
    alike = np.exp(-(_distances(patches.colours * stretch) ** 2) / (2 * _SAME_COLOUR**2))
    off_middle = (((patches.centres - 0.5) / _MIDDLE) ** 2).sum(axis=1)
    middle = patches.sizes * np.exp(-off_middle / 2)
    edge = patches.sizes * patches.mean(_edge(patches.labels.shape))
    in_middle, on_edge = (alike @ middle / middle.sum(), alike @ edge / edge.sum())
    odds = np.clip(in_middle / (in_middle + on_edge), 0.02, 0.98)
    return np.asarray(np.clip(np.log(odds / (1 - odds)), -2.5, 2.5))


def _edge(shape: tuple[int, ...]) -> Plane:
    height, width = shape
    edge = np.zeros((height, width))
    edge[:, :2] = edge[:, -2:] = 1.0
    edge[int(height * _LOWER_PART) :] *= _LOWER_SIDES_COUNT
    edge[:2] = 1.0
    edge[-2:] = _BOTTOM_COUNTS
    return edge


def _edge_firmness(patches: _Patches) -> Plane:
    """Return how strongly each patch is connected to the edge, 0 to 1."""
    on_edge = np.zeros(patches.count, bool)
    labels = patches.labels
    on_edge[np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])] = True
    reach = np.exp(-(_geodesics(patches, on_edge) ** 2) / (2 * 10.0**2))
    firmness = reach[:, on_edge].sum(axis=1) / np.sqrt(reach.sum(axis=1))
    return np.asarray(1 - np.exp(-(firmness**2) / 2))


def _geodesics(patches: _Patches, on_edge: NDArray[np.bool_]) -> Plane:
    """Return the smallest sum of colour steps between each pair of patches, over neighbours.

    All patches on the edge count as neighbours, because the background continues outside.
    """
    colours = _distances(patches.colours)
    linked = np.logical_and.outer(on_edge, on_edge)
    labels = patches.labels
    for one, other in ((labels[:, 1:], labels[:, :-1]), (labels[1:], labels[:-1])):
        linked[one, other] = linked[other, one] = True
    steps = np.where(linked, np.maximum(colours - _UNNOTICED_STEP, 0.0), np.inf)
    np.fill_diagonal(steps, 0.0)
    for via in range(patches.count):
        np.minimum(steps, steps[:, via : via + 1] + steps[via : via + 1], out=steps)
    return steps


def _nearness(shape: tuple[int, ...]) -> Plane:
    """Return 1 in the middle, falling to the sides, but less towards the bottom."""
    height, width = shape
    rows, columns = np.mgrid[0:height, 0:width]
    down = np.minimum((rows + 0.5) / height, 0.75) - 0.5
    return np.asarray(1 - (((columns + 0.5) / width - 0.5) ** 2 + down**2) / 0.25)
