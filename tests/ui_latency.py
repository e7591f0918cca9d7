"""`python3 -m tests.ui_latency [MEGABYTES]`: how smooth both windows stay during a transfer at full speed.

Prints, for each window, the longest time between two of Tk's idle moments while progress was on the screen. Fails over 100 ms.
Sets itself up. Standard library only until the transfer starts.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
from pathlib import Path

from tests.__main__ import set_up

LIMIT = 0.100  # seconds
SMALLEST = 256  # megabytes


def main() -> int:
    """Prepares what is missing, then measures."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.ui_latency")
    parser.add_argument("megabytes", type=int, nargs="?", default=1024)
    options = parser.parse_args()
    if options.megabytes < SMALLEST:
        parser.error(f"fewer than {SMALLEST} megabytes arrive before there is anything to measure")
    ended = set_up("tests.ui_latency", windows=True)
    if ended is not None:
        return ended
    with tempfile.TemporaryDirectory() as place:
        found = importlib.import_module("tests.idle_meter").measure(Path(place), options.megabytes << 20)
    for role, numbers in found.items():
        print(f"{role}: longest gap {numbers['longest'] * 1000:.0f} ms, median {numbers['median'] * 1000:.1f} ms, "
              f"{numbers['idle']:.0f} idle moments")  # fmt: skip
    return int(any(numbers["longest"] > LIMIT for numbers in found.values()))


if __name__ == "__main__":
    sys.exit(main())
