"""How many frames a packet of coded pictures makes: none where its picture is never shown or is a frame's second field.

A decoder passes over packets without a word, so frames are compared with packets; this says what to expect of each.
"""

from biometric.clips.h264_pictures import H264Pictures
from biometric.clips.hevc_pictures import HevcPictures
from biometric.clips.picture_order import PictureOrder

_HEAD = 1 << 14
"""Bytes of a packet that are looked at; pictures begin behind a few hundred bytes of parameters at most."""

_NOT_CODED = 8
"""Bytes of the longest MPEG-4 packet that only says "as before"; encoders send them for frames that they leave out."""

_MPEG_2 = frozenset({"mpeg2video", "mpeg1video"})
_B_PICTURE = 3


class PictureCounter:
    """Follows one video track, in order of decoding.

    Args:
        codec: FFmpeg's name.
        extradata: the codec's parameters as the container holds them, empty where they are in the stream.
    """

    def __init__(self, codec: str, extradata: bytes) -> None:
        self._codec = codec
        self._h264 = H264Pictures(extradata) if codec == "h264" else None
        self._hevc = HevcPictures(extradata) if codec == "hevc" else None
        self._order = PictureOrder()
        self._anchors = 0
        self._closed = False

    def frames_of(self, packet: memoryview, pts: int | None = None) -> int:
        """Return how many frames a packet makes, 0 or 1."""
        head = packet[:_HEAD].tobytes()
        if self._h264 is not None:
            return int(not self._h264.is_second_field(head))
        if self._hevc is not None:
            return int(not self._hevc.is_skipped(head))
        if self._codec in _MPEG_2:
            return int(not self._lacks_reference(head))
        if self._codec == "vp8":
            return head[0] >> 4 & 1
        if self._codec == "vp9":
            return int(_vp9_shown(head, packet[-1]))
        if self._codec == "mpeg4":
            if pts is not None:
                self._order.add(pts)
            return int(len(packet) > _NOT_CODED)
        return 1

    @property
    def may_refer_back(self) -> bool:
        """Whether streams of this codec are cut where pictures refer to what stood before; MPEG-4's are not."""
        return self._codec != "mpeg4"

    @property
    def lacks_parameters(self) -> bool:
        """Whether no parameters of an H.264 or H.265 stream were seen yet, without which nothing can be decoded."""
        followed = self._h264 or self._hevc
        return followed is not None and followed.lacks_parameters

    @property
    def missing(self) -> int:
        """Pictures of which there is no packet, although others count them. Says nothing where streams were joined."""
        if self._h264 is not None:
            return max(self._h264.gaps, self._h264.order.missing)
        return self._order.missing if self._hevc is None else self._hevc.order.missing

    def _lacks_reference(self, head: bytes) -> bool:
        """Whether an MPEG-2 B-picture stands behind the first key frame, but refers to what stood before it."""
        group = head.find(b"\x00\x00\x01\xb8")
        if group >= 0 and group + 7 < len(head):
            self._closed = bool(head[group + 7] >> 6 & 1)
            self._order.begin()
        picture = head.find(b"\x00\x00\x01\x00", max(0, group))
        if picture < 0 or picture + 5 >= len(head):
            return False
        if head[picture + 5] >> 3 & 7 != _B_PICTURE:
            self._anchors += 1
        elif self._anchors == 1 and not self._closed:
            return True
        self._order.add(head[picture + 4] << 2 | head[picture + 5] >> 6, 1 << 10)
        return False


def _vp9_shown(head: bytes, last: int) -> bool:
    """Whether a VP9 packet shows a frame (VP9 bitstream specification, 6.2 and annex B)."""
    if last & 0xE0 == 0xC0:
        return True  # several frames in one packet, of which the last is shown
    bits = f"{head[0]:08b}"
    at = 5 if bits[2:4] == "11" else 4
    return bits[at] == "1" or bits[at + 2] == "1"
