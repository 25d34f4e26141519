"""Recognise a clip's container by its first bytes, and measure whether the file is whole (standard library only).

FFmpeg guesses a demuxer from contents *and* file name, and some of its demuxers are scripts: a text file
named `x.mp4` that holds an `ffconcat` script opens its neighbours, a playlist opens addresses. So the kind is
decided here, from binary signatures alone, and the demuxer is forced; what is not on this list is refused.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from biometric.errors import ClipNotFound, DamagedClip, EmptyClip, NotAVideo, NoVideoTrack

HEAD = 1 << 16
"""Bytes looked at for a signature."""

RAW_STREAMS = frozenset({"h264", "hevc", "mpegvideo", "m4v"})
"""Kinds without container: no timestamps, no claims, nothing that could be missing."""

ALLOWED = frozenset({"mov", "matroska", "avi", "mpegts", "mpeg", "flv", "asf", "ogg", "ivf", "mxf", "dv"} | RAW_STREAMS)
"""Names of FFmpeg's demuxers that may be opened."""

READABLE = "MP4, MOV, MKV, WebM, AVI, MPEG-TS, MPEG, FLV, WMV, Ogg, MXF, DV or raw H.264/H.265"

_STILL_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1", b"mif2", b"avif", b"jxl "})
_TOP_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"moof", b"sidx"})
_MAGIC = (
    (b"FLV\x01", "flv"),
    (bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), "asf"),
    (b"OggS\x00", "ogg"),
    (b"DKIF\x00\x00", "ivf"),
    (bytes.fromhex("060e2b34020501010d0102"), "mxf"),
    (bytes.fromhex("1f0700"), "dv"),
)
_AUDIO = (b"ID3", b"fLaC", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"\xff\xf1", b"\xff\xf9")
_PACKET_SIZES = (188, 192, 204)


@dataclass(frozen=True, slots=True)
class Container:
    """What the bytes of a file say about it.

    Attributes:
        kind: name of the FFmpeg demuxer to force, one of `ALLOWED`.
        webm: whether it is Matroska's WebM profile, which browsers play.
        missing: bytes that the file's own lengths promise beyond its end; 0 when whole or when nothing is promised.
    """

    kind: str
    webm: bool = False
    missing: int = 0


def identify(clip: Path) -> Container:
    """Recognise a clip's container from its contents; its name plays no part.

    Raises:
        ClipNotFound: no such file, it may not be read, or it is a folder, pipe, device or loop of links.
        EmptyClip: zero bytes.
        NoVideoTrack: an audio file.
        NotAVideo: anything that is not on the list (text, playlists, scripts, pictures, archives …).
        DamagedClip: an MP4/MOV file whose index (the "moov" box) is missing.
    """
    with _opened(clip) as file:
        return _identify(file, os.fstat(file.fileno()).st_size)


def read_head(clip: Path) -> bytes:
    """Return the first `HEAD` bytes of a file, fewer where it is shorter.

    Raises:
        ClipNotFound: as `identify`.
    """
    with _opened(clip) as file:
        return file.read(HEAD)


@contextmanager
def _opened(clip: Path) -> Iterator[BinaryIO]:
    _check_regular(clip)
    try:
        with clip.open("rb") as file:
            yield file
    except OSError as error:
        raise ClipNotFound(
            f"The file {_shown(clip)} cannot be read: {error.strerror}. Check its permissions, or copy it again."
        ) from error


def _check_regular(clip: Path) -> None:
    """Raise `ClipNotFound` for anything but a regular file: opening a pipe would wait, a device never ends."""
    try:
        mode = clip.stat().st_mode
    except ValueError as error:
        raise ClipNotFound(f"{_shown(clip)} cannot be the name of a file ({error}). Choose the clip again.") from error
    except OSError as error:
        raise ClipNotFound(_unreachable(clip, error)) from error
    if not stat.S_ISREG(mode):
        raise ClipNotFound(f"{_shown(clip)} is {_kind_of_file(mode)}. {_instead(mode)}")


def _unreachable(clip: Path, error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return f"{_shown(clip)} is a loop of symbolic links and leads to no file. Choose the clip itself."
    if error.errno == errno.EACCES:
        return f"The file {_shown(clip)} may not be read: permission denied. Change its permissions, or copy it."
    if error.errno == errno.ENAMETOOLONG:
        return f"There is no file {_shown(clip)[:100]}…: the name is too long. Choose the clip again."
    if clip.is_symlink():
        return f"{_shown(clip)} is a symbolic link to a file that is not there. Choose the clip itself."
    return f"There is no file {_shown(clip)}. Choose the clip again."


def _kind_of_file(mode: int) -> str:
    kinds = {
        stat.S_IFDIR: "a folder, no clip",
        stat.S_IFIFO: "a pipe, which cannot be read twice",
        stat.S_IFCHR: "a device, no clip",
        stat.S_IFBLK: "a device, no clip",
        stat.S_IFSOCK: "a socket, no clip",
    }
    return kinds.get(stat.S_IFMT(mode), "no regular file")


def _instead(mode: int) -> str:
    return "Choose a clip in it." if stat.S_ISDIR(mode) else "Save the clip to a file first and choose that."


def _shown(clip: Path) -> str:
    """The name in quotes; bytes that are not UTF-8 are shown escaped."""
    return repr(clip.name or str(clip)).encode("utf-8", "backslashreplace").decode("utf-8")


def _identify(file: BinaryIO, size: int) -> Container:
    head = file.read(HEAD)
    if not head:
        raise EmptyClip("The file is empty (0 bytes). It was probably not copied completely; choose the clip again.")
    kind = _kind(head)
    if kind is None:
        raise NotAVideo(f"This file is not a video that can be read here. Choose a clip in {READABLE}.")
    if kind == "audio":
        raise NoVideoTrack("This is an audio file without pictures. Choose a video clip.")
    if kind == "mov":
        return Container(kind, missing=_missing_of_mov(file, size))
    if kind == "matroska":
        return Container(kind, webm=b"webm" in head[:64], missing=_missing_of_matroska(head, size))
    if kind == "avi":
        return Container(kind, missing=_missing_of_avi(file, size))
    if kind == "mpegts":
        return Container(kind, missing=_missing_of_transport_stream(head, size))
    if kind == "flv":
        return Container(kind, missing=_missing_of_flash_video(file, size))
    if kind == "asf":
        return Container(kind, missing=_missing_of_asf(head, size))
    return Container(kind)


def _kind(head: bytes) -> str | None:
    """Return a demuxer's name, "audio", or None."""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[4:8] in _TOP_BOXES:
        still = head[4:8] == b"ftyp" and head[8:12] in _STILL_BRANDS
        return None if still else "mov"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "matroska" if b"matroska" in head[:64] or b"webm" in head[:64] else None
    if head.startswith(b"RIFF"):
        return {b"AVI ": "avi", b"WAVE": "audio"}.get(head[8:12])
    if _transport_packet(head) is not None:
        return "mpegts"
    if head.startswith(_AUDIO):
        return "audio"
    return _start_code_kind(head)


def _transport_packet(head: bytes) -> tuple[int, int] | None:
    """Return (offset of the first sync byte, packet size) of an MPEG transport stream (ISO/IEC 13818-1, 2.4.3.2).

    A capture may begin in the middle of a packet. Eight sync bytes in a row are asked for, or, in a shorter
    file, one at each packet, but no fewer than three.
    """
    for size in _PACKET_SIZES:
        for offset in range(min(size, len(head))):
            syncs = head[offset : offset + 8 * size : size]
            if len(syncs) >= 3 and set(syncs) == {0x47}:
                return offset, size
    return None


def _start_code_kind(head: bytes) -> str | None:
    """Recognise streams that begin with an MPEG start code, 00 00 01 after any number of zero bytes."""
    position = head.find(b"\x00\x00\x01")
    if position < 0 or any(head[:position]) or position + 4 >= len(head):
        return None
    code, following = head[position + 3], head[position + 4]
    if code == 0xBA:
        return "mpeg"
    if code == 0xB3:
        return "mpegvideo"
    if code in {0x06, 0x09} and _has_h264_parameters(head):
        return "h264"  # many streams begin with an access unit delimiter or SEI, whose codes MPEG-4 uses otherwise
    if code == 0xB0 or code <= 0x0F or 0x20 <= code <= 0x26:
        # Visual object sequence, video object or video object layer of MPEG-4 Part 2 (ISO/IEC 14496-2, table 6-3).
        return "m4v" if b"\x00\x00\x01\x20" in head or b"\x00\x00\x01\xb0" in head or code == 0x00 else None
    if code in {0x40, 0x42, 0x46, 0x4E} and following == 0x01:
        return "hevc"  # VPS, SPS, access unit delimiter, SEI (ITU-T H.265, table 7-1)
    return "h264" if code < 0x80 and _has_h264_parameters(head) else None


def _has_h264_parameters(head: bytes) -> bool:
    """Whether a sequence parameter set (NAL unit type 7; ITU-T H.264, table 7-1) follows one of the start codes."""
    position = head.find(b"\x00\x00\x01")
    while 0 <= position < len(head) - 3:
        code = head[position + 3]
        if code < 0x80 and code & 0x1F == 7:
            return True
        position = head.find(b"\x00\x00\x01", position + 3)
    return False


def _boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int]]:
    """Yield (type, end) of the top-level boxes of ISO/IEC 14496-12, section 4.2; `end` may lie beyond the file."""
    position = 0
    while position + 8 <= size:
        file.seek(position)
        header = file.read(16)
        length, kind = int.from_bytes(header[:4], "big"), header[4:8]
        if length == 1:
            length = int.from_bytes(header[8:16], "big")
        elif length == 0:
            length = size - position
        # Recorders leave padding behind the last box; it is no box and promises nothing.
        if length < 8 or not kind.isascii() or b"\x00" in kind:
            return
        yield kind, position + length
        position += length


def _missing_of_mov(file: BinaryIO, size: int) -> int:
    missing, indexed = 0, False
    for kind, end in _boxes(file, size):
        if kind in {b"moov", b"moof"} and end <= size:
            indexed = True
        if kind in {b"mdat", b"moof", b"moov"}:
            missing = max(missing, end - size)
    if not indexed:
        raise DamagedClip(
            "The clip is damaged: its index is missing, because the recording was not finished or the file was not"
            " copied completely. Copy it again, or repair it with a video tool."
        )
    return missing


def _missing_of_matroska(head: bytes, size: int) -> int:
    position = 4
    for wanted in (None, b"\x18\x53\x80\x67"):  # the header's own size, then the segment (RFC 9559, section 5.1)
        if wanted is not None:
            if head[position : position + 4] != wanted:
                return 0
            position += 4
        length, width = _vint(head, position)
        position += width
        if length is None:
            return 0
        position += length
    return max(0, position - size)


def _vint(data: bytes, position: int) -> tuple[int | None, int]:
    """Return (value, bytes used) of an EBML variable-size integer (RFC 8794, section 4); None is "unknown"."""
    first = data[position] if position < len(data) else 0
    if first == 0:
        return None, 1
    width = 9 - first.bit_length()
    value = int.from_bytes(data[position : position + width], "big") & ((1 << 7 * width) - 1)
    return (None if value == (1 << 7 * width) - 1 else value), width


def _missing_of_avi(file: BinaryIO, size: int) -> int:
    """Follow the RIFF chunks: one, or in OpenDML files several in a row. Lengths of 0 or 2³² − 1 are not filled in."""
    position = 0
    while position + 8 <= size:
        file.seek(position)
        header = file.read(8)
        length = int.from_bytes(header[4:], "little")
        if header[:4] != b"RIFF" or length in {0, 0xFFFFFFFF}:
            return 0
        position += 8 + length + length % 2
    # The pad byte after the last chunk is often left out.
    return max(0, position - 1 - size)


def _missing_of_transport_stream(head: bytes, size: int) -> int:
    packet = _transport_packet(head)
    if packet is None:
        return 0
    offset, length = packet
    # Packets of 192 bytes have a time stamp of four bytes before the sync byte.
    prefix = 4 if length == 192 else 0
    return -(size - offset + prefix) % length


def _missing_of_flash_video(file: BinaryIO, size: int) -> int:
    """Return 1 when the file does not end with the length of its last tag (FLV specification 10.1, annex E.3)."""
    file.seek(max(0, size - 4))
    length = int.from_bytes(file.read(4), "big")
    if length < 11 or length + 4 > size:
        return 1
    file.seek(size - 4 - length)
    tag = file.read(4)
    return int(tag[0] & 0x1F not in {8, 9, 18} or int.from_bytes(tag[1:4], "big") + 11 != length)


_ASF_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")


def _missing_of_asf(head: bytes, size: int) -> int:
    """Compare with the file size in the file properties (ASF specification, section 3.2); live files have none."""
    position = head.find(_ASF_FILE_PROPERTIES)
    broadcast = position < 0 or (int.from_bytes(head[position + 88 : position + 92], "little") & 1)
    return 0 if broadcast else max(0, int.from_bytes(head[position + 40 : position + 48], "little") - size)
