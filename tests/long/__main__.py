"""`python3 -m tests.long NAME [--runs N]`: sets itself up and produces one figure of docs/SECURITY.md.

Prints the figure in one line; the exit code is 1 if it is missed. Standard library only until the run starts.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time

from tests.__main__ import set_up

NAMES = {
    "messages": "hostile messages to both sides, one broken rule at a time",
    "kills": "kill -9 of either side at every state change and at random moments",
    "cuts": "one harm to one TLS record, for every record in both directions",
    "fuzz": "ten million inputs to everything that reads what others wrote",
    "strangers": "500 strangers at the door, and how soon a paired sender is greeted",
    "guesses": "guesses at the code allowed in an hour to a stolen certificate",
    "races": "folders swapped for links as fast as a process can, at six doors",
    "resent": "bytes sent again after a kill at 50 % (--runs: MiB)",
    "memory": "hostile messages and endless lists under a limit of address space",
    "namespaces": "two hosts: an interface taken down, addresses that change",
    "outside": "the receiver seen by openssl and sslyze, the code by bandit and pip-audit",
}  # fmt: skip


def main() -> int:
    """Prepares what is missing, then runs."""
    parser = argparse.ArgumentParser(
        prog="python3 -m tests.long", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="\n".join(f"{name:12} {what}" for name, what in NAMES.items()),
    )  # fmt: skip
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--runs", type=int, help="how many, instead of the whole")
    parser.add_argument("--first", type=int, default=0, help="leave out so many before")
    options = parser.parse_args()
    ended = set_up("tests.long", windows=False)
    if ended is not None:
        return ended
    began = time.monotonic()
    figure = importlib.import_module(f"tests.long.{options.name}").run(options.runs, options.first)
    state = "skipped" if figure.skipped else "reached" if figure.reached else "MISSED"
    print(f"{options.name}: {figure.text} ({time.monotonic() - began:.0f} s) {state}", flush=True)
    return 0 if figure.reached or figure.skipped else 1


if __name__ == "__main__":
    sys.exit(main())
