"""Countersign, the sending side. Run it as it is: what it needs is set up on the first run."""

import sys

if sys.version_info < (3, 10):
    sys.exit("Countersign needs Python 3.10 or newer; this is %d.%d. Get one from python.org." % sys.version_info[:2])

from countersign.bootstrap import start

if __name__ == "__main__":
    sys.exit(start("sender"))
