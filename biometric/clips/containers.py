"""Recognise a clip's container by its first bytes (standard library only).

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

from biometric.clips.completeness import missing_bytes, transport_packet
from biometric.errors import ClipNotFound, EmptyClip, NotAVideo, NoVideoTrack
from biometric.errors.phrases import Phrase

HEAD = 1 << 16
"""Bytes looked at for a signature."""

RAW_STREAMS = frozenset({"h264", "hevc", "mpegvideo", "m4v"})
"""Kinds without container: no timestamps, no claims, nothing that could be missing."""

ALLOWED = frozenset({"mov", "matroska", "avi", "mpegts", "mpeg", "flv", "asf", "ogg", "ivf", "mxf", "dv"} | RAW_STREAMS)
"""Names of FFmpeg's demuxers that may be opened."""

READABLE = Phrase("MP4, MOV, MKV, WebM, AVI, MPEG-TS, MPEG, FLV, WMV, Ogg, MXF, DV or raw H.264/H.265")

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


@dataclass(frozen=True, slots=True)
class Container:
    """The container of a file, recognised by its bytes.

    Attributes:
        kind: name of the FFmpeg demuxer to force, one of `ALLOWED`.
        webm: whether it is Matroska's WebM profile, which browsers play.
        missing: bytes that the file's own lengths claim beyond its end; 0 when whole or when nothing is claimed.
    """

    kind: str
    webm: bool = False
    missing: int = 0


def recognise_container(clip: Path) -> Container:
    """Recognise a clip's container from its contents; its name is not used.

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
            "The file {file} cannot be read: {reason}. Check its permissions, or copy it again.",
            file=_shown(clip),
            reason=error.strerror,
        ) from error


def _check_regular(clip: Path) -> None:
    """Raise `ClipNotFound` for anything but a regular file: opening a pipe would wait, a device never ends."""
    try:
        mode = clip.stat().st_mode
    except ValueError as error:
        raise ClipNotFound(
            "{file} cannot be the name of a file ({error}). Choose the clip again.", file=_shown(clip), error=error
        ) from error
    except OSError as error:
        raise ClipNotFound(_unreachable(clip, error)) from error
    if not stat.S_ISREG(mode):
        raise ClipNotFound(
            "{file} is {kind}. {advice}", file=_shown(clip), kind=_kind_of_file(mode), advice=_instead(mode)
        )


def _unreachable(clip: Path, error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return Phrase(
            "{file} is a loop of symbolic links and leads to no file. Choose the clip itself.", file=_shown(clip)
        )
    if error.errno == errno.EACCES:
        return Phrase(
            "The file {file} may not be read: permission denied. Change its permissions, or copy it.", file=_shown(clip)
        )
    if error.errno == errno.ENAMETOOLONG:
        return Phrase("There is no file {file}…: the name is too long. Choose the clip again.", file=_shown(clip)[:100])
    if clip.is_symlink():
        return Phrase(
            "{file} is a symbolic link to a file that is not there. Choose the clip itself.", file=_shown(clip)
        )
    return Phrase("There is no file {file}. Choose the clip again.", file=_shown(clip))


def _kind_of_file(mode: int) -> str:
    kinds = {
        stat.S_IFDIR: Phrase("a folder, no clip"),
        stat.S_IFIFO: Phrase("a pipe, which cannot be read twice"),
        stat.S_IFCHR: Phrase("a device, no clip"),
        stat.S_IFBLK: Phrase("a device, no clip"),
        stat.S_IFSOCK: Phrase("a socket, no clip"),
    }
    return kinds.get(stat.S_IFMT(mode), Phrase("no regular file"))


def _instead(mode: int) -> str:
    return (
        Phrase("Choose a clip in it.")
        if stat.S_ISDIR(mode)
        else Phrase("Save the clip to a file first and choose that.")
    )


def _shown(clip: Path) -> str:
    """The name in quotes; bytes that are not UTF-8 are shown escaped."""
    return repr(clip.name or str(clip)).encode("utf-8", "backslashreplace").decode("utf-8")


def _identify(file: BinaryIO, size: int) -> Container:
    head = file.read(HEAD)
    if not head:
        raise EmptyClip("The file is empty (0 bytes). It was probably not copied completely; choose the clip again.")
    kind = _kind(head)
    if kind is None:
        raise NotAVideo(
            "This file is not a video that can be read here. Choose a clip in {kinds}.",
            kinds=READABLE,
        )
    if kind == "audio":
        raise NoVideoTrack("This is an audio file without pictures. Choose a video clip.")
    webm = kind == "matroska" and b"webm" in head[:64]
    return Container(kind, webm=webm, missing=missing_bytes(kind, file, head, size))


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
    if transport_packet(head) is not None:
        return "mpegts"
    if head.startswith(_AUDIO):
        return "audio"
    return _start_code_kind(head)


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
