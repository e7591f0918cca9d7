"""The icons of both programs, drawn here as polygons: a tray, and an arrow out of it or into it.

From the one drawing come an SVG (Linux' menu), a PNG of any size (windows), an ICO (Windows) and an ICNS (macOS).
PNG: https://www.w3.org/TR/png-3/ · ICO: Windows Vista's PNG entries · ICNS: PNG entries ic07 to ic10.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Sequence

Point = tuple[float, float]
Shape = tuple[str, tuple[Point, ...]]  # a colour and a polygon in a square of 64
_SIDE = 64
_FINE = 4  # samples along each side of a pixel
_GROUND = {"sender": "#1f5fbf", "receiver": "#1c7a4a"}


def _rounded(left: float, top: float, right: float, bottom: float, radius: float) -> tuple[Point, ...]:
    """A rectangle with round corners, as a polygon."""
    corners = ((right - radius, top + radius, -90), (right - radius, bottom - radius, 0),
               (left + radius, bottom - radius, 90), (left + radius, top + radius, 180))  # fmt: skip
    return tuple(
        (x + radius * math.cos(math.radians(start + turn)), y + radius * math.sin(math.radians(start + turn)))
        for x, y, start in corners
        for turn in range(0, 91, 6)
    )


def shapes(role: str) -> list[Shape]:
    """The drawing, from back to front."""
    up = role == "sender"
    arrow = [(32, 8), (46, 24), (37, 24), (37, 40), (27, 40), (27, 24), (18, 24)]
    if not up:
        arrow = [(x, 48 - y) for x, y in arrow]
    tray = ((12, 36), (19, 36), (19, 50), (45, 50), (45, 36), (52, 36), (52, 57), (12, 57))
    return [
        (_GROUND[role], _rounded(1, 1, 63, 63, 14)),
        ("#ffffff", tuple((float(x), float(y)) for x, y in arrow)),
        ("#dfe9f7" if up else "#dff2e6", tuple((float(x), float(y)) for x, y in tray)),
    ]


def svg(role: str) -> str:
    """The drawing for whoever scales it."""
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SIDE} {_SIDE}">']
    for colour, points in shapes(role):
        text = " ".join(f"{x:.2f},{y:.2f}" for x, y in points)
        lines.append(f'  <polygon fill="{colour}" points="{text}"/>')
    return "\n".join([*lines, "</svg>", ""])


def png(role: str, size: int) -> bytes:
    """The drawing in pixels, with soft edges on a transparent ground."""
    rows = [bytearray(4 * size) for _row in range(size)]
    for colour, points in shapes(role):
        red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        for row, coverage in zip(rows, _coverage(points, size), strict=True):
            for x, covered in enumerate(coverage):
                if covered:
                    _over(row, 4 * x, (red, green, blue), covered / (_FINE * _FINE))
    body = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    header = struct.pack(">IIBBBBB", size, size, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _coverage(points: Sequence[Point], size: int) -> list[list[int]]:
    """How many samples of every pixel lie inside, by scan lines (even-odd)."""
    fine = size * _FINE
    scale = fine / _SIDE
    edges = [
        (x1 * scale, y1 * scale, x2 * scale, y2 * scale)
        for (x1, y1), (x2, y2) in zip(points, (*points[1:], points[0]), strict=True)
    ]
    found = [[0] * size for _row in range(size)]
    for line in range(fine):
        y = line + 0.5
        crossings = sorted(
            x1 + (y - y1) * (x2 - x1) / (y2 - y1) for x1, y1, x2, y2 in edges if min(y1, y2) <= y < max(y1, y2)
        )
        row = found[line // _FINE]
        for left, right in zip(crossings[::2], crossings[1::2], strict=True):
            for sample in range(max(0, round(left)), min(fine, round(right))):
                row[sample // _FINE] += 1
    return found


def _over(row: bytearray, at: int, colour: tuple[int, int, int], alpha: float) -> None:
    """Paints a pixel over what is there (Porter and Duff's over)."""
    below = row[at + 3] / 255
    total = alpha + below * (1 - alpha)
    for channel in range(3):
        mixed = (colour[channel] * alpha + row[at + channel] * below * (1 - alpha)) / total
        row[at + channel] = round(mixed)
    row[at + 3] = round(total * 255)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def ico(role: str) -> bytes:
    """For Windows: 16 to 256 pixels in one file."""
    pictures = [(size, png(role, size)) for size in (16, 24, 32, 48, 64, 256)]
    head = struct.pack("<HHH", 0, 1, len(pictures))
    offset = len(head) + 16 * len(pictures)
    entries = b""
    for size, data in pictures:
        entries += struct.pack("<BBBBHHII", size % 256, size % 256, 0, 0, 1, 32, len(data), offset)
        offset += len(data)
    return head + entries + b"".join(data for _size, data in pictures)


def icns(role: str) -> bytes:
    """For macOS: 128 to 512 pixels in one file."""
    parts = b""
    for kind, size in ((b"ic07", 128), (b"ic08", 256), (b"ic09", 512)):
        data = png(role, size)
        parts += kind + struct.pack(">I", len(data) + 8) + data
    return b"icns" + struct.pack(">I", len(parts) + 8) + parts
