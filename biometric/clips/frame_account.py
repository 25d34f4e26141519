"""Compare the frames that a decoder gives with the pictures that it was given (standard library only)."""

from biometric.clips.picture_packets import PictureCounter

_LEADING = 64
"""Packets at the beginning among which pictures may refer to what stood before the recording."""


class FrameAccount:
    """Follows one pass over a video track.

    Args:
        codec: FFmpeg's name.
        extradata: the codec's parameters as the container holds them.

    Attributes:
        expected: frames that the decoded packets make.
        left_over: frames that the packets make which were counted, but not decoded.
        given: frames that came out of the decoder.
    """

    def __init__(self, codec: str, extradata: bytes) -> None:
        self._counter = PictureCounter(codec, extradata)
        self.expected = self.left_over = self.given = 0
        self._first_packets: list[int | None] = []
        self._first_frame: int | None = None

    def add_packet(self, packet: memoryview, pts: int | None, decoded: bool) -> None:
        """Note a packet that is shown, in order of decoding."""
        frames = self._counter.frames_of(packet, pts)
        if not decoded:
            self.left_over += frames
            return
        self.expected += frames
        if frames and len(self._first_packets) < _LEADING:
            self._first_packets.append(pts)

    def add_frame(self, pts: int | None) -> None:
        """Note a frame that came out of the decoder."""
        self._first_frame = pts if self.given == 0 else self._first_frame
        self.given += 1

    @property
    def lost(self) -> int:
        """Frames that the decoded packets should have made, but of which the decoder gave nothing."""
        return max(0, self.expected - self._leading() - self.given)

    @property
    def lacks_parameters(self) -> bool:
        """Whether no packet has yet said what its pictures are like, as where a stream was joined behind that."""
        return self._counter.lacks_parameters

    @property
    def missing(self) -> int:
        """Pictures of which there is no packet, by the numbers of those around them; for streams without container."""
        return self._counter.missing

    def _leading(self) -> int:
        """Pictures that are shown before the first key frame and stand behind it: they refer to what was cut off.

        Recordings begin like this where a stream was joined. The first frame is the key frame. Matroska has no times
        below 0.
        """
        if not self._counter.may_refer_back:
            return 0
        times = self._first_packets
        if self._first_frame is None or self._first_frame not in times:
            return 0
        behind = times[times.index(self._first_frame) + 1 :]
        return next(
            (run for run, time in enumerate(behind) if time is not None and time > self._first_frame), len(behind)
        )
