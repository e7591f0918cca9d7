"""Countersign, the receiving side. Run it as it is: what it needs is set up on the first run."""

import sys

from countersign.bootstrap import start

if __name__ == "__main__":
    sys.exit(start("receiver"))
