"""File dates, in nanoseconds since 1970: the range of a manifest, and the nearest date that a disk accepts.

A manifest holds 1677 to 2262. Disks differ: ext4 1901 to 2446, with small inodes only to 2038, HFS+ 1904 to 2040,
FAT 1980 to 2107, NTFS 1601 to 30828. For a date outside, some refuse, some clamp, some silently cut bits off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from countersign.base.i18n import N_
from countersign.pack.manifest import Manifest

_SECOND = 1_000_000_000
EARLIEST, LATEST = -(1 << 63), (1 << 63) - 1  # the range of a manifest
# every disk but FAT holds 1902 to 2037: such dates are set without checking
_SAFE_FROM, _SAFE_TO = -2_145_916_800 * _SECOND, 2_145_916_800 * _SECOND
_GRAIN = 2 * _SECOND  # FAT counts in steps of two
# the limits of disks, farthest first: ext4, HFS+, NFS 3, FAT
_BEGINNINGS = tuple(s * _SECOND for s in (-(1 << 31), -2_082_844_800, 0, 315_532_800))
_ENDS = tuple(s * _SECOND for s in (15_032_385_535, 4_354_819_198, (1 << 32) - 1, 2_212_122_495, (1 << 31) - 1))

INEXACT_HERE = N_("this disk cannot hold its date; it has the nearest that is possible")

SetDate: TypeAlias = Callable[[int], object]
GetDate: TypeAlias = Callable[[], int]


def clamped(date: int) -> int:
    """The date, or the nearest that a manifest can hold."""
    return date if EARLIEST <= date <= LATEST else min(max(date, EARLIEST), LATEST)


def set_date(date: int, put: SetDate, look: GetDate) -> None:
    """Sets a date with `put`, or the nearest that the disk accepts; `look` reads the result back.

    Raises OSError if no date can be set at all.
    """
    try:
        put(date)
    except (OSError, OverflowError) as error:
        _set_nearest(date, put, look, error)
        return
    if not is_safe(date) and not _is_kept(date, look()):
        _set_nearest(date, put, look, None)


def inexact_dates(manifest: Manifest, date_of: Callable[[int], int | None]) -> Iterator[int]:
    """The entries whose date the disk could not hold. `date_of` gives an entry's actual date, None if it is missing."""
    for index, date in enumerate(manifest.mtimes):
        if not is_safe(date):
            there = date_of(index)
            if there is not None and abs(there - date) >= _GRAIN:
                yield index


def is_safe(date: int) -> bool:
    """Whether every disk but FAT holds this date, so the result need not be checked."""
    return _SAFE_FROM <= date <= _SAFE_TO


def _is_kept(wanted: int, there: int) -> bool:
    """Whether the disk kept the date, or its own limit in that direction."""
    if abs(there - wanted) < _GRAIN:
        return True
    return wanted <= there <= _SAFE_FROM if wanted < _SAFE_FROM else _SAFE_TO <= there <= wanted


def _set_nearest(date: int, put: SetDate, look: GetDate, trouble: Exception | None) -> None:
    """trouble: the disk's error for the date itself."""
    candidates = [end for end in _BEGINNINGS if end > date] if date < _SAFE_TO else [end for end in _ENDS if end < date]
    for candidate in candidates:
        try:
            put(candidate)
        except (OSError, OverflowError) as error:
            trouble = error
            continue
        trouble = None
        if abs(look() - candidate) < _GRAIN:
            return
    if trouble is not None:
        raise trouble if isinstance(trouble, OSError) else OSError(str(trouble))
