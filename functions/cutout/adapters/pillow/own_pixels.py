"""A cut-out of the photo's own pixels: as many as the photo has, and inside the subject the same.

Worked in tiles, so that beside the photo and its transparency little memory is needed.
"""

from __future__ import annotations

from collections.abc import Iterator

from PIL import Image, ImageChops

from cutout.adapters.pillow.decode.opening import Picture
from cutout.adapters.pillow.edge_colours import Colours
from cutout.adapters.pillow.edges import Box, Edge

_TILE = 256
_CLEAR, _SOLID = 0, 255


def cut_from(photo: Picture, alpha: Picture) -> Picture:
    """Make the photo transparent where the model's picture is.

    Args:
        photo: its pixels as shown (RGB; or RGBA: its own transparency stays, multiplied by the
            model's); they are changed in place.
        alpha: the model's transparency (L), of the same shape, whatever its size.

    Returns:
        The cut-out (RGBA).
    """
    edge = Edge.of(photo, alpha)
    colours = Colours.of(photo, alpha)
    if photo.mode == "RGB":
        photo.putalpha(_SOLID)
    for box in _tiles(photo.size):
        piece = photo.crop(box)
        seen = piece.convert("RGB")
        own = piece.getchannel("A")
        photo.paste(_tile(box, seen, edge.tile(box, seen), own, colours), box)
    return photo


def _tile(box: Box, seen: Picture, found: Picture, own: Picture, colours: Colours) -> Picture:
    """One part of the cut-out.

    Args:
        box: which part.
        seen: the photo's colours.
        found: the transparency after the model.
        own: the photo's own.
        colours: of both sides of the edge.
    """
    share = ImageChops.multiply(found, own)
    least, most = share.getextrema()
    if most == _CLEAR:
        return Image.new("RGBA", seen.size)
    cut = seen
    if found.getextrema()[0] != _SOLID:
        # What is half clear in the photo has its own colour already, and no background in it.
        solid = own.point(lambda level: 255 if level == _SOLID else 0)
        cut = Image.composite(colours.tile(box, seen, found), seen, solid)
    cut.putalpha(share)
    if least == _CLEAR:
        # What nobody sees is not kept: the background is gone, and the file is smaller.
        empty = Image.new("RGBA", seen.size)
        cut = Image.composite(cut, empty, share.point(lambda level: 255 if level else 0))
    return cut


def _tiles(size: tuple[int, int]) -> Iterator[Box]:
    width, height = size
    for top in range(0, height, _TILE):
        for left in range(0, width, _TILE):
            yield left, top, min(left + _TILE, width), min(top + _TILE, height)
