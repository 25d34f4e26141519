"""Write field-coded H.264 (PAFF): each picture is one field, two make a frame. No encoder at hand writes it.

Every macroblock is I_PCM, so the writer needs neither transform nor prediction (ITU-T H.264, 7.3 and 7.4).
"""

from pathlib import Path

import av

MACROBLOCKS = (4, 4)
"""Width and height of a frame, in macroblocks of 16 × 16 pixels."""


class _Bits:
    def __init__(self) -> None:
        self._bits: list[str] = []

    def u(self, value: int, width: int) -> "_Bits":
        self._bits.append(f"{value:0{width}b}")
        return self

    def ue(self, value: int) -> "_Bits":
        code = f"{value + 1:b}"
        self._bits.append("0" * (len(code) - 1) + code)
        return self

    def se(self, value: int) -> "_Bits":
        return self.ue(2 * value - 1 if value > 0 else -2 * value)

    def align(self) -> "_Bits":
        self._bits.append("0" * (-sum(map(len, self._bits)) % 8))
        return self

    def raw(self, data: bytes) -> "_Bits":
        self._bits.append("".join(f"{byte:08b}" for byte in data))
        return self

    def unit(self, header: int) -> bytes:
        """Return a NAL unit with its stop bit, start code and emulation prevention."""
        text = "".join(self._bits) + "1"
        text += "0" * (-len(text) % 8)
        unit = bytearray([header])
        zeros = 0
        for byte in int(text, 2).to_bytes(len(text) // 8, "big"):
            if zeros >= 2 and byte <= 3:
                unit.append(3)
                zeros = 0
            unit.append(byte)
            zeros = zeros + 1 if byte == 0 else 0
        return b"\x00\x00\x00\x01" + bytes(unit)


def field_coded_h264(count: int) -> list[bytes]:
    """Return 2 × `count` access units, each one field; the grey level of frame i is 16 + 200 · i / count."""
    width, height = MACROBLOCKS
    sps = _Bits().u(77, 8).u(0, 8).u(30, 8).ue(0).ue(4).ue(2).ue(1).u(0, 1).ue(width - 1).ue(height // 2 - 1)
    # frame_mbs_only_flag 0, no adaptive frames and fields, direct_8x8_inference, no cropping, no VUI
    parameters = sps.u(0, 1).u(0, 1).u(1, 1).u(0, 1).u(0, 1).unit(0x67)
    pps = _Bits().ue(0).ue(0).u(0, 1).u(0, 1).ue(0).ue(0).ue(0).u(0, 1).u(0, 2).se(0).se(0).se(0).u(0, 3)
    parameters += pps.unit(0x68)
    units = []
    for index in range(count):
        sample = bytes([16 + 200 * index // count]) * 256 + bytes([128]) * 128
        for bottom in (0, 1):
            # All frames refer to nothing, but each is kept for reference, so frame_num counts them.
            first = index == 0 and not bottom
            field = _Bits().ue(0).ue(7).ue(0).u(index % 256, 8).u(1, 1).u(bottom, 1)
            if first:
                field.ue(0).u(0, 1)
            field.u(0, 1)
            field.se(0)
            for _ in range(width * height // 2):
                field.ue(25).align().raw(sample)
            units.append((parameters if first else b"") + field.unit(0x65 if first else 0x61))
    return units


def write_field_coded(path: Path, count: int) -> Path:
    """Write a clip of `count` frames whose fields have a packet each; a name in .h264 gives the bare stream."""
    raw = path.with_suffix(".bare.h264")
    raw.write_bytes(b"".join(field_coded_h264(count)))
    if path.suffix == ".h264":
        return raw.rename(path)
    with av.open(str(raw)) as source, av.open(str(path), "w") as output:
        stream = output.add_stream_from_template(source.streams.video[0])
        for index, packet in enumerate(source.demux(video=0)):
            if packet.size:
                packet.stream, packet.pts, packet.dts, packet.duration = stream, index, index, 1
                packet.time_base = source.streams.video[0].average_rate and 1 / (
                    2 * source.streams.video[0].average_rate
                )
                output.mux(packet)
    raw.unlink()
    return path
