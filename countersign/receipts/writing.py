"""Writes a receipt: all lines first, then the signatures, then the final name. Both sides do the same."""

from __future__ import annotations

import contextlib
import datetime
import errno
import logging
import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import msgspec

from countersign.base.files import PRIVATE_FILE, cut_to_bytes, spare_name, sync_folder
from countersign.base.hashing import new_hasher
from countersign.base.refusals import disk_errors
from countersign.receipts.format import SUFFIX, Header, Line, Sent, encoder, text_of

log = logging.getLogger(__name__)

_TOGETHER = 512  # lines per write
_LINE_BYTES = 160  # for a usual file, without its name; for an estimate
_LONGEST_PEER = 150  # bytes of a peer's name in a file name, which stays under 200 in total


class Draft:
    """A complete receipt that is not signed yet."""

    def __init__(self, folder: Path, header: Header, lines: Iterator[Line]) -> None:
        """Writes it into `folder` under a random name. Raises DiskProblem."""
        self.header = header
        self._folder = folder
        self._hasher = new_hasher()
        with disk_errors(folder):
            self._spare = Spare(folder)
            try:
                self._add(encoder.encode(header) + b"\n")
                while some := list(islice(lines, _TOGETHER)):
                    self._add(encoder.encode_lines(some))
            except BaseException:
                self.discard()
                raise

    @property
    def digest(self) -> bytes:
        """BLAKE3 of all lines: both sides sign it."""
        return self._hasher.digest()

    def _add(self, data: bytes) -> None:
        self._hasher.update(data)
        self._spare.file.write(data)

    def keep(self, stem: str, tail: Sequence[msgspec.Struct]) -> Path:
        """Adds these lines and gives the receipt its name; this ends the draft in any case. Raises DiskProblem."""
        with disk_errors(self._folder), self._spare as spare:
            spare.file.write(encoder.encode_lines(tail))
            return spare.keep(stem)

    def discard(self) -> None:
        """Removes the draft."""
        self._spare.remove()


def add_countersignature(receipt: Path, signature: bytes) -> None:
    """Adds the sender's signature to the receiver's copy. Raises OSError, also if it is gone; then nothing changes."""
    line = encoder.encode(Sent(text_of(signature))) + b"\n"
    handle = os.open(receipt, os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0))
    with open(handle, "ab", buffering=0) as file:
        size = os.fstat(handle).st_size
        try:
            if file.write(line) != len(line):  # a nearly full disk takes only a part
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(handle)
        except OSError:
            file.truncate(size)
            raise


def remove_replaced(earlier: Path | None, kept: Path) -> None:
    """Removes the receipt of an earlier connection after a new one was kept. A leftover one does no harm."""
    if earlier is None or earlier == kept:
        return
    try:
        earlier.unlink(missing_ok=True)
    except OSError as error:
        log.info("an earlier receipt could not be removed: %s", error.strerror)


class Spare:
    """A new file in its later folder, removed unless kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / spare_name()
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), PRIVATE_FILE)
        self.file: BinaryIO = open(handle, "wb")  # noqa: SIM115 - closed by __exit__

    def __enter__(self) -> Spare:
        return self

    def __exit__(self, *_details: object) -> None:
        self.remove()

    def remove(self) -> None:
        """Closes and removes the file, unless it was kept."""
        with contextlib.suppress(OSError):  # a full disk cannot take the rest, which is not needed any more
            self.file.close()
        self._path.unlink(missing_ok=True)

    def keep(self, stem: str) -> Path:
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        path = self._folder / (stem + SUFFIX)
        os.replace(self._path, path)
        sync_folder(self._folder)
        return path


def receipt_stem(now: datetime.datetime, peer: str, transfer_id: bytes) -> str:
    """A receipt's file name without its extension: time, peer, transfer."""
    return f"{now:%Y-%m-%d %H.%M.%S} {cut_to_bytes(peer, _LONGEST_PEER)} {transfer_id.hex()[:8]}"


def receipt_size(entries: int, names_bytes: int) -> int:
    """The estimated size of a receipt for such a list, in bytes."""
    return entries * _LINE_BYTES + 2 * names_bytes
