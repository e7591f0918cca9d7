"""All receipts of a home as a list, and one of them line by line. Headers are shown as they are; only checking gives trust."""

from __future__ import annotations

import datetime
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from countersign import limits
from countersign.errors import DiskProblem, ReceiptProblem
from countersign.files import open_regular
from countersign.i18n import _
from countersign.transfer.receipts import FORMAT, SUFFIX, YEARS, Header, Line
from countersign.trust.fingerprint import DeviceId

_header = msgspec.json.Decoder(Header)
_line = msgspec.json.Decoder(Line)
_ENDING = b'{"signature":'


@dataclass(frozen=True)
class Exchange:
    """One transfer that has ended well. peer: the other device's identity in hex; received: whether it came here."""

    receipt: Path
    time: datetime.datetime
    name: str
    peer: str
    received: bool
    files: int
    bytes: int
    skipped: int


def list_exchanges(receipts: Path, own: DeviceId) -> list[Exchange]:
    """Every receipt of a home whose header can be read, newest first."""
    found = [exchange for path in receipts.glob(f"*{SUFFIX}") if (exchange := _exchange(path, own)) is not None]
    return sorted(found, key=lambda exchange: exchange.time, reverse=True)


def _exchange(path: Path, own: DeviceId) -> Exchange | None:
    try:
        with open_regular(path) as file:
            header = _header.decode(file.readline(limits.RECEIPT_LINE_CAP))
        time = datetime.datetime.fromisoformat(header.time)
    except (OSError, ValueError, RecursionError):  # msgspec's errors are ValueErrors; checking it by hand says why
        return None
    known = header.format == FORMAT and time.tzinfo is not None and time.year in YEARS
    if not known or own.hex() not in (header.sender, header.receiver):
        return None
    received = header.receiver == own.hex()
    peer = header.sender if received else header.receiver
    return Exchange(path, time, header.name, peer, received, header.files, header.bytes, header.skipped)


class ReceiptLines:
    """The entries of a receipt by number, read from the file when they are asked for: a million of them need 8 MB."""

    def __init__(self, path: Path) -> None:
        """Raises DiskProblem or ReceiptProblem."""
        self._offsets = array("Q")
        self.skipped: list[int] = []  # the numbers of entries that did not arrive
        try:
            self._file = open_regular(path)
        except OSError as error:
            raise DiskProblem(path=path, reason=error.strerror or error) from error
        try:
            self._find_lines()
        except ReceiptProblem:
            self.close()
            raise

    def _find_lines(self) -> None:
        offset = len(self._file.readline(limits.RECEIPT_LINE_CAP))
        for line in self._lines():
            if line.startswith(_ENDING):
                break
            if b'"skipped":' in line and self._decoded(line).skipped is not None:
                self.skipped.append(len(self._offsets))
            if len(self._offsets) == limits.MAX_ENTRIES:
                raise ReceiptProblem(detail=_("it has more lines than there can be entries"))
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

    @staticmethod
    def _decoded(data: bytes) -> Line:
        try:
            return _line.decode(data)
        except (ValueError, RecursionError):
            raise ReceiptProblem(detail="") from None

    def close(self) -> None:
        self._file.close()
