"""Lists a home's receipts, and reads one line by line. Headers are shown unchecked; only `checking` verifies them."""

from __future__ import annotations

import datetime
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from countersign.base import limits
from countersign.base.errors import ReceiptProblem
from countersign.base.files import open_regular
from countersign.base.i18n import _
from countersign.base.refusals import disk_errors
from countersign.receipts.format import FORMAT, SUFFIX, Header, Here, Line, is_time
from countersign.trust.fingerprint import DeviceId

_header = msgspec.json.Decoder(Header)
_line = msgspec.json.Decoder(Line)
_here = msgspec.json.Decoder(Here)


@dataclass(frozen=True)
class PastTransfer:
    """One completed transfer. peer: the other device's identity in hex. received: whether we were the receiver."""

    receipt: Path
    time: datetime.datetime
    name: str
    peer: str
    received: bool
    files: int
    bytes: int
    skipped: int


def list_past_transfers(receipts: Path, own: Iterable[DeviceId]) -> list[PastTransfer]:
    """All receipts of a home with a readable header, newest first. own: this computer's identities."""
    ours = frozenset(identity.hex() for identity in own)
    found = [transfer for path in receipts.glob(f"*{SUFFIX}") if (transfer := _past_transfer(path, ours)) is not None]
    return sorted(found, key=lambda transfer: transfer.time, reverse=True)


def _past_transfer(path: Path, ours: frozenset[str]) -> PastTransfer | None:
    try:
        with open_regular(path) as file:
            header = _header.decode(file.readline(limits.RECEIPT_LINE_CAP))
    except (OSError, ValueError, RecursionError):  # msgspec's errors are ValueErrors; checking it by hand says why
        return None
    if header.format != FORMAT or not is_time(header.time) or ours.isdisjoint((header.sender, header.receiver)):
        return None
    time = datetime.datetime.fromisoformat(header.time)
    received = header.receiver in ours
    peer = header.sender if received else header.receiver
    return PastTransfer(path, time, header.name, peer, received, header.files, header.bytes, header.skipped)


class ReceiptLines:
    """A receipt's entries by number, read from the file on demand: a million need 8 MB."""

    def __init__(self, path: Path) -> None:
        """Raises DiskProblem or ReceiptProblem."""
        self._offsets = array("Q")
        self.skipped: list[int] = []  # numbers of the entries that did not arrive
        self.here: dict[str, str] = {}  # changed names of top entries here
        with disk_errors(path):
            self._file = open_regular(path)
        try:
            self._find_lines()
        except ReceiptProblem:
            self.close()
            raise
        except (ValueError, RecursionError):
            self.close()
            raise ReceiptProblem(detail=_("it is not a receipt")) from None

    def _find_lines(self) -> None:
        first = self._file.readline(limits.RECEIPT_LINE_CAP)
        entries, offset = _header.decode(first).entries, len(first)
        for line in self._lines():
            if len(self._offsets) == entries:
                if line.startswith(b'{"here":'):
                    found = _here.decode(line)
                    self.here[found.name] = found.here
                    if len(self.here) > entries:
                        raise ReceiptProblem(detail=_("it has more lines than there can be entries"))
                continue
            if b'"skipped":' in line and self._decoded(line).skipped is not None:
                self.skipped.append(len(self._offsets))
            self._offsets.append(offset)
            offset += len(line)

    def _lines(self) -> Iterator[bytes]:
        return iter(lambda: self._file.readline(limits.RECEIPT_LINE_CAP), b"")

    def __len__(self) -> int:
        return len(self._offsets)

    def line(self, number: int) -> Line:
        """One entry. Raises ReceiptProblem."""
        self._file.seek(self._offsets[number])
        return self._decoded(self._file.readline(limits.RECEIPT_LINE_CAP))

    def path(self, number: int) -> str:
        """The path of an entry, for display. Raises ReceiptProblem."""
        parts = []
        while number >= 0:
            line = self.line(number)
            parts.append(line.name)
            if line.parent >= number:
                raise ReceiptProblem(detail="")
            number = line.parent
        return "/".join(reversed(parts))

    @staticmethod
    def _decoded(data: bytes) -> Line:
        try:
            return _line.decode(data)
        except (ValueError, RecursionError):
            raise ReceiptProblem(detail="") from None

    def close(self) -> None:
        self._file.close()
