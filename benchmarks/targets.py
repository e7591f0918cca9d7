"""What is to be reached, side by side in one run: this program's speed over another's."""

from __future__ import annotations

from typing import NamedTuple


class Target(NamedTuple):
    """`ratio`: how many times as fast as `competitor` on `input` we mean to be; below 1 where a part of its speed is meant."""

    input: str
    competitor: str
    ratio: float


TARGETS = (
    Target("random", "magic-wormhole", 1.8),
    Target("random", "scp", 1.15),
    Target("random", "bare Python TLS", 0.35),
    Target("python", "magic-wormhole", 3.5),
    Target("python", "rsync over ssh", 1.25),
    Target("python", "tar through ssh", 0.85),
    Target("text", "tar through ssh", 1.5),
    Target("tiny", "magic-wormhole", 2.5),
    Target("tiny", "rsync over ssh", 1.0),
)
