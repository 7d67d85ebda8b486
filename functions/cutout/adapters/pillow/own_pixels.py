"""A cut-out of the photo's own pixels, at the photo's size.

It is made in tiles, so it needs little memory besides the photo and its alpha.
"""

from __future__ import annotations

from collections.abc import Iterator

from PIL import Image, ImageChops

from cutout.adapters.pillow.decode.opening_results import Bitmap
from cutout.adapters.pillow.edge_colours import Colours
from cutout.adapters.pillow.edges import Box, Edge

_TILE = 256  # pixels a side: its work takes a few MB, whatever the size of the photo
_CLEAR, _SOLID = 0, 255


def cut_from(photo: Bitmap, alpha: Bitmap) -> Bitmap:
    """Make the photo transparent where the model's picture is, and return it (RGBA).

    Its pixels are as shown, and are changed in place: RGB, or RGBA, whose own alpha is multiplied
    by the model's (L), which is of the same shape and any size.
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


def _tile(box: Box, seen: Bitmap, found: Bitmap, own: Bitmap, colours: Colours) -> Bitmap:
    """One part of the cut-out, of the photo's colours and alpha and the alpha that was found."""
    share = ImageChops.multiply(found, own)
    least, most = share.getextrema()
    if most == _CLEAR:
        return Image.new("RGBA", seen.size)
    cut = seen
    if found.getextrema()[0] != _SOLID:
        # Pixels that are half transparent in the photo hold no background to remove.
        solid = own.point(lambda level: 255 if level == _SOLID else 0)
        cut = Image.composite(colours.tile(box, seen, found), seen, solid)
    cut.putalpha(share)
    if least == _CLEAR:
        # Invisible colours are removed: no background can be recovered, and the file is smaller.
        empty = Image.new("RGBA", seen.size)
        cut = Image.composite(cut, empty, share.point(lambda level: 255 if level else 0))
    return cut


def _tiles(size: tuple[int, int]) -> Iterator[Box]:
    width, height = size
    for top in range(0, height, _TILE):
        for left in range(0, width, _TILE):
            yield left, top, min(left + _TILE, width), min(top + _TILE, height)
