"""`python3 -m tests.screens [FOLDER] [--dark] [--dpi N] [--language CODE]`: a picture of every screen of both windows, to look at.

The folder is `screens` if none is named; git ignores it. --readme also renews the README's pictures. Sets itself up. Standard
library only until the walk starts.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from tests.__main__ import ROOT, set_up

README_PICTURES = {"receiver": "ready", "sender": "key"}


def main() -> int:
    """Prepares what is missing, then takes the pictures."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.screens")
    parser.add_argument("folder", nargs="?", default=str(ROOT / "screens"))
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--dpi", type=int, default=96)
    parser.add_argument("--language", default="en")
    parser.add_argument("--readme", action="store_true")
    options = parser.parse_args()
    ended = set_up("tests.screens", windows=True)
    if ended is not None:
        return ended
    folder = Path(options.folder)
    importlib.import_module("tests.screen_walk").take_pictures(folder, options.dark, options.dpi, options.language)
    if options.readme:
        pictures = ROOT / "docs" / "pictures"
        pictures.mkdir(exist_ok=True)
        for name, source in README_PICTURES.items():
            [found] = folder.glob(f"?? {source}.png")
            (pictures / f"{name}.png").write_bytes(found.read_bytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
