"""The one place that turns an OSError into a problem for a person."""

from __future__ import annotations

import errno
from pathlib import Path
from types import TracebackType

from countersign.base.errors import DiskFull, DiskProblem
from countersign.base.printable import printable

_FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})


def reason_of(error: OSError) -> str:
    """The system's message, without number and path."""
    return error.strerror or str(error)


def disk_problem(error: OSError, path: Path | str, kind: type[DiskProblem] = DiskProblem) -> DiskProblem:
    """The problem to report. A full disk is always reported as full."""
    if error.errno in _FULL:
        return DiskFull(path=path, reason=reason_of(error))
    return kind(path=printable(str(path), 4096), reason=reason_of(error))


class disk_errors:  # noqa: N801 - used as a word after `with`
    """Raises an OSError of its block as a DiskProblem.

    path: what the block works on. kind: a subclass of DiskProblem with `path` and `reason`. named: prefer the file that
    the system names, if it names one.
    """

    def __init__(self, path: Path | str, kind: type[DiskProblem] = DiskProblem, *, named: bool = False) -> None:
        self._path = path
        self._kind = kind
        self._named = named

    def __enter__(self) -> None:
        """Nothing to do."""

    def __exit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if isinstance(error, OSError):
            path = error.filename if self._named and isinstance(error.filename, str) else self._path
            raise disk_problem(error, path, self._kind) from error
