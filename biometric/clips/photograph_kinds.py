"""Which kind of photograph a file is, from its first bytes; its name plays no part (standard library only)."""

import struct
from enum import StrEnum

from biometric.errors.phrases import Phrase

READABLE_PHOTOGRAPHS = Phrase("JPEG, PNG, WebP, HEIC, AVIF, TIFF, BMP or GIF")


class PhotographKind(StrEnum):
    """Kinds that can be read. The values stand in `VideoInfo.codec`."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    HEIC = "heic"
    AVIF = "avif"
    TIFF = "tiff"
    BMP = "bmp"
    GIF = "gif"


_MAGIC = (
    (b"\xff\xd8\xff", PhotographKind.JPEG),
    (b"\x89PNG\r\n\x1a\n", PhotographKind.PNG),
    (b"GIF87a", PhotographKind.GIF),
    (b"GIF89a", PhotographKind.GIF),
    (b"II*\x00", PhotographKind.TIFF),
    (b"MM\x00*", PhotographKind.TIFF),
    (b"II+\x00", PhotographKind.TIFF),
    (b"MM\x00+", PhotographKind.TIFF),
)
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"mif2", b"msf1"})
_BMP_HEADER_SIZES = frozenset({12, 16, 40, 52, 56, 64, 108, 124})


def photograph_kind(head: bytes) -> PhotographKind | None:
    """Return the kind of photograph that begins with `head` (at least 64 bytes where the file has them), or None."""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return PhotographKind.WEBP
    if head[4:8] == b"ftyp":
        return _kind_of_brands(head)
    # "BM" alone begins many a text: the length of the second header is looked at, too.
    if head.startswith(b"BM") and len(head) >= 18 and struct.unpack_from("<I", head, 14)[0] in _BMP_HEADER_SIZES:
        return PhotographKind.BMP
    return None


def _kind_of_brands(head: bytes) -> PhotographKind | None:
    """Tell by the brands of ISO/IEC 14496-12, section 4.3; "mif1" may hold either kind, so the others decide."""
    major, size = head[8:12], int.from_bytes(head[:4], "big")
    listed = head[16 : min(size, len(head))]
    brands = {major, *(listed[start : start + 4] for start in range(0, len(listed) - 3, 4))}
    if major not in _AVIF_BRANDS | _HEIC_BRANDS:
        return None
    return PhotographKind.AVIF if brands & _AVIF_BRANDS else PhotographKind.HEIC
