"""The receiver's side of a receipt: written line by line, signed at the end, sent in parts."""

from __future__ import annotations

import base64
import contextlib
import datetime
import hashlib
import os
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from countersign import limits
from countersign.errors import DiskProblem
from countersign.files import PRIVATE_FILE, cut_to_bytes, spare_name, sync_folder
from countersign.transfer.receipts import LABEL, SUFFIX, Ending, Header, Line, encoder

_PART = 512 * limits.KIB
_TOGETHER = 512  # lines that are written at once
_LONGEST_PEER = 150  # bytes of a peer's name in the name of a file; with all else that stays under 200


class Draft:
    """A receipt that says all that it will say, but is not signed yet."""

    def __init__(self, folder: Path, header: Header, lines: Iterator[Line]) -> None:
        """Writes it into `folder`, under a name of no meaning. Raises DiskProblem."""
        self.header = header
        self._folder = folder
        self._hasher = hashlib.sha256()
        try:
            self._spare = Spare(folder)
            try:
                self._add(encoder.encode(header) + b"\n")
                while some := list(islice(lines, _TOGETHER)):
                    self._add(encoder.encode_lines(some))
            except BaseException:
                self.discard()
                raise
        except OSError as error:
            raise DiskProblem(path=folder, reason=error.strerror or error) from error

    def _add(self, data: bytes) -> None:
        self._hasher.update(data)
        self._spare.file.write(data)

    def sign(self, sign: Callable[[bytes], bytes], stem: str) -> Path:
        """Signs it and gives it its name; this ends the draft, whatever happens. Raises DiskProblem."""
        try:
            with self._spare as spare:
                signature = base64.b64encode(sign(LABEL + self._hasher.digest())).decode()
                spare.file.write(encoder.encode(Ending(signature)) + b"\n")
                return spare.keep(stem)
        except OSError as error:
            raise DiskProblem(path=self._folder, reason=error.strerror or error) from error

    def discard(self) -> None:
        """Removes it."""
        self._spare.remove()


def write_receipt(
    folder: Path, header: Header, lines: Iterator[Line], sign: Callable[[bytes], bytes], stem: str
) -> Path:
    """Writes a signed receipt into `folder` and gives its path. Raises DiskProblem."""
    return Draft(folder, header, lines).sign(sign, stem)


class Spare:
    """A new file beside its later name, removed unless it is kept."""

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
        """Closes and removes it, if it was not kept."""
        with contextlib.suppress(OSError):  # a full disk can not take the last of it: it is not wanted any more
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
    """The file name of a receipt, without its ending: when, with whom, which."""
    return f"{now:%Y-%m-%d %H.%M.%S} {cut_to_bytes(peer, _LONGEST_PEER)} {transfer_id.hex()[:8]}"


def receipt_parts(path: Path) -> Iterator[tuple[bytes, bool]]:
    """A receipt in parts that fit a frame, and whether each is the last. Raises DiskProblem."""
    try:
        size = path.stat().st_size
        with open(path, "rb") as file:
            while part := file.read(_PART):
                size -= len(part)
                yield part, size == 0
    except OSError as error:
        raise DiskProblem(path=path, reason=error.strerror or error) from error
