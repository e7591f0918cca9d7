"""The child of tests.long.fuzz: `python -m tests.long.fuzzing TARGET OPTIONS CORPUS`, in the environment that has atheris."""

from __future__ import annotations

import logging
import sys

import atheris

with atheris.instrument_imports(include=["countersign"]):
    from tests.long.targets import TARGETS

if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    atheris.Setup([sys.argv[0], *sys.argv[2:]], TARGETS[sys.argv[1]].run)
    atheris.Fuzz()
