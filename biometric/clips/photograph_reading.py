"""Read photographs as clips of one frame (Pillow; pillow-heif for HEIC; their objects stay in here).

The kind is decided by the file's first bytes and exactly one decoder is asked, because trying them all would let any
file reach any decoder. Size limits are checked between the header and the pixels.
"""

import struct
import warnings
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    ExifTags,
    GifImagePlugin,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)
from PIL import Image as Pictures

from biometric.clips.containers import read_head
from biometric.clips.photograph_kinds import READABLE_PHOTOGRAPHS, PhotographKind, photograph_kind
from biometric.clips.photograph_pixels import display_rotation, displayed_pixels
from biometric.clips.recording_facts import camera, exif_recorded_at
from biometric.clips.video_limits import VideoLimits
from biometric.entities import Frame, FrameRange, FrameTimes, Image, VideoInfo
from biometric.errors import ClipNotFound, ClipTooLarge, InvalidFrameRange, NotAVideo, PhotographUnreadable
from biometric.errors.phrases import Phrase
from biometric.ports import GroupChoice
from biometric.storage import describe_os_error, file_digest

MAX_SIDE = 32_000
"""Longest side in pixels: JPEG, in which pictures of it are written, has at most 65,535."""

FRAMES_PER_SECOND = 1.0
"""Frame rate that a photograph is said to have: it has no time, and every user of a rate needs one above 0."""

_OPENERS: dict[PhotographKind, Callable[[IO[bytes]], ImageFile.ImageFile]] = {
    PhotographKind.JPEG: JpegImagePlugin.JpegImageFile,  # also of several pictures (MPO): the main one comes first
    PhotographKind.PNG: PngImagePlugin.PngImageFile,
    PhotographKind.WEBP: WebPImagePlugin.WebPImageFile,
    PhotographKind.AVIF: AvifImagePlugin.AvifImageFile,
    PhotographKind.TIFF: TiffImagePlugin.TiffImageFile,
    PhotographKind.BMP: BmpImagePlugin.BmpImageFile,
    PhotographKind.GIF: GifImagePlugin.GifImageFile,
}
_BROWSERS_SHOW = frozenset(PhotographKind) - {PhotographKind.HEIC, PhotographKind.TIFF}
_ANIMATED = frozenset({PhotographKind.PNG, PhotographKind.WEBP, PhotographKind.AVIF, PhotographKind.GIF})
_BROKEN_FILE = (
    *(OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, AttributeError, RuntimeError),
    *(ArithmeticError, NotImplementedError, struct.error, zlib.error),
)
"""What Pillow's decoders raise at bytes that they cannot make sense of."""
_NEW_SUBFILE_TYPE, _DNG_VERSION = 254, 50706
"""Tags of TIFF 6.0 and of Adobe's DNG specification."""


def is_photograph(clip: Path) -> bool:
    """Whether a file begins as a photograph does. Raises `ClipNotFound` where it cannot be read."""
    return photograph_kind(read_head(clip)) is not None


class PhotographReader:
    """Reads photographs (`ports.VideoReader`). It keeps nothing between calls and may be shared by threads.

    Args:
        limits: refused beyond these, before the pixels are decoded.
    """

    def __init__(self, limits: VideoLimits | None = None) -> None:
        self._limits = VideoLimits() if limits is None else limits
        # Of strange metadata and of sizes, which are checked here: they say nothing to whoever chose the file.
        warnings.filterwarnings("ignore", module=r"PIL\.")

    def probe(self, clip: Path) -> VideoInfo:
        """Check and describe a photograph by decoding it once: a clip of one frame at 0 seconds.

        Raises:
            ClipNotFound, NotAVideo: it is no photograph, or an animation.
            PhotographUnreadable: it is damaged, or its kind cannot be read here, or not without a package.
            ClipTooLarge: a limit is exceeded.
        """
        with self._opened(clip) as (picture, kind):
            rotation = display_rotation(picture)
            recorded, made_with = _recording(picture)
            height, width = _pixels(picture, kind).shape[:2]
        return VideoInfo(
            width=width,
            height=height,
            fps=FRAMES_PER_SECOND,
            frame_count=1,
            frame_count_source="decoded",
            duration=0.0,
            rotation=rotation,
            codec=str(kind),
            container=str(kind),
            digest=_digest(clip),
            browser_playable=kind in _BROWSERS_SHOW,
            times=FrameTimes([0.0], 0.0, 1),
            photograph=True,
            recorded_at=recorded,
            camera=made_with,
        )

    def read(self, clip: Path, frames: FrameRange) -> Iterator[Frame]:
        """Yield the photograph as frame 0.

        Raises:
            InvalidFrameRange: another frame was asked for.
            ClipError: as `probe`.
        """
        if frames.last > 0:
            raise InvalidFrameRange("A photograph has only frame 0; frame {frame} was asked for.", frame=frames.last)
        yield self._frame(clip)

    def read_chosen(self, clip: Path, frames: FrameRange, choice: GroupChoice) -> Iterator[Frame]:
        """Yield the only frame. Raises as `read` does."""
        return self.read(clip, frames)

    def grab(self, clip: Path, indices: Collection[int]) -> dict[int, Frame]:
        """Return the photograph as frame 0, if that is among the numbers. Raises as `read`."""
        if min(indices, default=0) < 0:
            raise InvalidFrameRange("Frames are numbered from 0, got {lowest}.", lowest=min(indices))
        return {0: self._frame(clip)} if 0 in indices else {}

    def _frame(self, clip: Path) -> Frame:
        with self._opened(clip) as (picture, kind):
            return Frame(0, _pixels(picture, kind), 0.0)

    @contextmanager
    def _opened(self, clip: Path) -> Iterator[tuple[ImageFile.ImageFile, PhotographKind]]:
        """Open a photograph as far as its header, within the limits."""
        kind = photograph_kind(read_head(clip))
        if kind is None:
            raise NotAVideo(
                "This file is not a photograph that can be read here. Choose {photographs}.",
                photographs=READABLE_PHOTOGRAPHS,
            )
        opener = _heic_opener() if kind is PhotographKind.HEIC else _OPENERS[kind]
        with ExitStack() as opened:
            try:
                file = opened.enter_context(clip.open("rb"))
                self._limits.check_bytes(clip.stat().st_size)
            except OSError as error:
                raise ClipNotFound(
                    "The photograph cannot be read: {reason}.", reason=describe_os_error(error)
                ) from error
            try:
                picture = opened.enter_context(opener(file))
                several = bool(getattr(picture, "is_animated", False))
            except Pictures.DecompressionBombError as error:
                raise self._limits.pixels_exceeded(Phrase("an animation whose pictures differ in size")) from error
            except (*_BROKEN_FILE, UnidentifiedImageError) as error:
                raise _unreadable(kind) from error
            self._check(picture, kind, several)
            yield picture, kind

    def _check(self, picture: ImageFile.ImageFile, kind: PhotographKind, several: bool) -> None:
        width, height = picture.size
        self._limits.check_pixels(width, height)
        if max(width, height) > MAX_SIDE:
            raise ClipTooLarge(
                "The photograph has {width}×{height} pixels; a side may have at most {most:,}. Scale it down.",
                width=width,
                height=height,
                most=MAX_SIDE,
            )
        if isinstance(picture, TiffImagePlugin.TiffImageFile) and _is_preview(picture):
            raise PhotographUnreadable(
                "This is a camera's raw file, which cannot be read here. Export it as JPEG, and choose that."
            )
        if several and kind in _ANIMATED:
            raise NotAVideo(
                "This {kind} file is an animation, which is neither one photograph nor a video that can be "
                "read here. Save it as an MP4 video, or save one of its pictures as JPEG or PNG.",
                kind=kind.upper(),
            )
        if several and kind is PhotographKind.TIFF:
            raise NotAVideo("This TIFF file holds several pictures. Save the one that is meant as JPEG or PNG.")


def _heic_opener() -> Callable[[IO[bytes]], ImageFile.ImageFile]:
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        raise PhotographUnreadable(
            'HEIC photographs need the package pillow-heif, which is not installed. Install it with "pip install '
            'pillow-heif", or save the photograph as JPEG.'
        ) from error
    opener: Callable[[IO[bytes]], ImageFile.ImageFile] = HeifImageFile
    return opener


def _is_preview(picture: TiffImagePlugin.TiffImageFile) -> bool:
    """Whether the first picture of a TIFF file is only the preview of a camera's raw data."""
    tags = picture.tag_v2
    return _DNG_VERSION in tags or bool(tags.get(_NEW_SUBFILE_TYPE, 0) & 1)


def _pixels(picture: ImageFile.ImageFile, kind: PhotographKind) -> Image:
    try:
        picture.load()
    except MemoryError as error:
        raise ClipTooLarge("The photograph needs more memory than there is. Scale it down first.") from error
    except _BROKEN_FILE as error:
        raise _damaged(kind) from error
    try:
        return displayed_pixels(picture)
    except _BROKEN_FILE as error:
        raise _unreadable(kind) from error


def _damaged(kind: PhotographKind) -> PhotographUnreadable:
    return PhotographUnreadable(
        "The {kind} photograph is damaged: it cannot be read to its end. Copy it again.", kind=kind.upper()
    )


def _unreadable(kind: PhotographKind) -> PhotographUnreadable:
    return PhotographUnreadable(
        "This {kind} file is damaged, or of a kind that cannot be read here. Save it as JPEG or PNG.", kind=kind.upper()
    )


def _digest(clip: Path) -> str:
    try:
        return file_digest(clip)
    except OSError as error:
        raise ClipNotFound("The photograph cannot be read: {reason}.", reason=describe_os_error(error)) from error


def _recording(picture: ImageFile.ImageFile) -> tuple[str | None, str]:
    """Return when and with what a photograph was taken; damaged metadata says nothing."""
    with suppress(Exception):  # EXIF is written by whoever made the file
        exif = picture.getexif()
        taken = exif.get_ifd(ExifTags.IFD.Exif)
        stamp = exif_recorded_at(taken.get(ExifTags.Base.DateTimeOriginal), taken.get(ExifTags.Base.OffsetTimeOriginal))
        return stamp, camera(exif.get(ExifTags.Base.Make), exif.get(ExifTags.Base.Model))
    return None, ""
