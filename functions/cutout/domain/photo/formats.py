"""Recognises kinds of files by their first bytes, also unsupported ones, to name them."""

from __future__ import annotations

import re

from cutout.domain.dataclass import dataclass

HEAD_BYTES = 1024
"""Enough to recognise every kind; DICOM's mark follows 128 bytes, SVG's a preamble."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FileKind:
    """A kind of file.

    Attributes:
        name: its common name.
        is_decoded: Prepare can decode it.
        suffixes: of file names, where Python does not know their media type.
    """

    name: str
    is_decoded: bool = True
    suffixes: tuple[str, ...] = ()


def media_types_by_suffix() -> dict[str, str]:
    """The media types of suffixes that Python does not know."""
    kinds = {*_RIFF_KINDS.values(), *_ISO_KINDS.values(), *(kind for _, _, kind in _MAGICS)}
    return {suffix: f"image/{kind.name.lower()}" for kind in kinds for suffix in kind.suffixes}


def kind_of(head: bytes) -> FileKind | None:
    """The kind of a file that begins like this; None if it is unknown.

    Args:
        head: the first `HEAD_BYTES` bytes, or all of a smaller file.
    """
    if head[4:8] == b"ftyp":
        return _iso_kind(head)
    if head.startswith(b"RIFF"):
        return _RIFF_KINDS.get(head[8:12])
    for offset, magic, kind in _MAGICS:
        if head.startswith(magic, offset):
            return kind
    return _SVG if _SVG_ELEMENT.search(head) else None


def _iso_kind(head: bytes) -> FileKind:
    """The kind by its brands; the first may only name the container."""
    length = int.from_bytes(head[:4], "big")
    brands = [head[8:12]]
    # After the first brand comes its version; the compatible brands follow (ISO/IEC 14496-12, 4.3).
    brands += [head[at : at + 4] for at in range(16, min(length, len(head)) - 3, 4)]
    if brands[0] in _ISO_OTHERS:
        return _ISO_OTHERS[brands[0]]
    kinds = [_ISO_KINDS[brand] for brand in brands if brand in _ISO_KINDS]
    # An AVIF has the general brands of HEIF, too.
    return next((kind for kind in kinds if kind is not _HEIF), kinds[0] if kinds else _VIDEO)


def _not_decoded(name: str) -> FileKind:
    return FileKind(name=name, is_decoded=False)


def _raw(maker: str) -> FileKind:
    return _not_decoded(f"a camera's raw file ({maker})")


_WEBP = FileKind(name="WebP", suffixes=(".webp",))
_HEIF = FileKind(name="HEIF", suffixes=(".heif",))
_HEIC = FileKind(name="HEIC", suffixes=(".heic",))
_AVIF = FileKind(name="AVIF", suffixes=(".avif",))
_VIDEO = _not_decoded("a video, or another file of ISO media,")
_RIFF_KINDS = {b"WEBP": _WEBP, b"AVI ": _VIDEO}
_SVG = _not_decoded("SVG")
_SVG_ELEMENT = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*<(?:[?!].*<)?svg[\s>]", re.DOTALL)
_TIFF = FileKind(name="TIFF")
_JPEG_2000 = FileKind(name="JPEG 2000")
_JPEG_XL = _not_decoded("JPEG XL")

_ISO_KINDS = {
    **dict.fromkeys((b"avif", b"avis"), _AVIF),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"), _HEIC),
    **dict.fromkeys((b"mif1", b"mif2", b"msf1", b"miaf"), _HEIF),
}
_ISO_OTHERS = {b"crx ": _raw("Canon CR3")}

_MAGICS: tuple[tuple[int, bytes, FileKind], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", FileKind(name="PNG")),
    (0, b"\xff\xd8\xff", FileKind(name="JPEG", suffixes=(".jfif",))),
    (0, b"GIF87a", FileKind(name="GIF")),
    (0, b"GIF89a", FileKind(name="GIF")),
    # Raw formats based on TIFF must be recognised before TIFF itself.
    (8, b"CR\x02", _raw("Canon CR2")),
    (6, b"HEAPCCDR", _raw("Canon CRW")),
    (0, b"IIRO", _raw("Olympus ORF")),
    (0, b"IIRS", _raw("Olympus ORF")),
    (0, b"MMOR", _raw("Olympus ORF")),
    (0, b"IIU\0", _raw("Panasonic RW2")),
    (0, b"FUJIFILMCCD-RAW", _raw("Fujifilm RAF")),
    (0, b"FOVb", _raw("Sigma X3F")),
    (0, b"\0MRM", _raw("Minolta MRW")),
    (8, b"IIII", _raw("Phase One IIQ")),
    (8, b"MMMMRaw", _raw("Phase One IIQ")),
    (0, b"II*\0", _TIFF),
    (0, b"MM\0*", _TIFF),
    # A BigTIFF; Pillow reads one in this order of bytes only.
    (0, b"II+\0\x08\0\0\0", _TIFF),
    (0, b"MM\0+\0\x08\0\0", _not_decoded("a big-endian BigTIFF")),
    (0, b"II\xbc", _not_decoded("JPEG XR")),
    (0, b"BM", FileKind(name="BMP")),
    (0, b"\0\0\0\x0cjP  ", _JPEG_2000),
    (0, b"\xff\x4f\xff\x51", _JPEG_2000),
    (0, b"\0\0\0\x0cJXL ", _JPEG_XL),
    (0, b"\xff\x0a", _JPEG_XL),
    (0, b"8BPS", _not_decoded("Photoshop")),
    (0, b"\0\0\x01\0", _not_decoded("a Windows icon (ICO)")),
    # A cursor has a number of pictures, at least 1, where a Targa without a palette has zeros.
    (0, b"\0\0\x02\0\0\0\0\0", _not_decoded("Targa (TGA)")),
    (0, b"\0\0\x0a\0\0\0\0\0", _not_decoded("Targa (TGA)")),
    (0, b"\0\0\x02\0", _not_decoded("a Windows cursor (CUR)")),
    (0, b"icns", _not_decoded("an Apple icon (ICNS)")),
    (0, b"%PDF-", _not_decoded("PDF")),
    (0, b"%!PS", _not_decoded("PostScript")),
    (0, b"\xc5\xd0\xd3\xc6", _not_decoded("PostScript")),
    (128, b"DICM", _not_decoded("DICOM")),
    (0, b"\x1a\x45\xdf\xa3", _VIDEO),
    # Old QuickTime files do not begin with `ftyp`.
    (4, b"moov", _VIDEO),
    (4, b"mdat", _VIDEO),
    (4, b"wide", _VIDEO),
    (0, b"P4\n", _not_decoded("a portable bitmap (PBM)")),
    (0, b"P5\n", _not_decoded("a portable graymap (PGM)")),
    (0, b"P6\n", _not_decoded("a portable pixmap (PPM)")),
    (0, b"\x8aMNG", _not_decoded("MNG")),
    (0, b"\x8bJNG", _not_decoded("JNG")),
    (0, b"gimp xcf", _not_decoded("GIMP's XCF")),
    (0, b"\x76\x2f\x31\x01", _not_decoded("OpenEXR")),
    (0, b"#?RADIANCE", _not_decoded("Radiance HDR")),
    (0, b"qoif", _not_decoded("QOI")),
    (0, b"BPG\xfb", _not_decoded("BPG")),
    (0, b"DDS ", _not_decoded("DirectDraw Surface (DDS)")),
    (0, b"\xd7\xcd\xc6\x9a", _not_decoded("Windows Metafile (WMF)")),
    (0, b"SIMPLE  =", _not_decoded("FITS")),
    (0, b"AT&TFORM", _not_decoded("DjVu")),
)
