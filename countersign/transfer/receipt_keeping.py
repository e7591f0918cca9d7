"""The sender's side of a receipt: taken as it arrives, every line compared with what was sent, and kept."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from countersign import limits
from countersign.errors import DiskProblem, Problem, ReceiptProblem
from countersign.i18n import _
from countersign.pack.manifest import Manifest
from countersign.printable import printable
from countersign.transfer.receipt_writing import Spare
from countersign.transfer.receipts import (
    DIGEST,
    FORMAT,
    LABEL,
    Counts,
    Ending,
    Header,
    Line,
    digest_of,
    encoder,
    ending_decoder,
    entry_line,
    header_decoder,
    is_time,
    line_decoder,
    signature_of,
)
from countersign.trust.certificate import read_certificate, signature_fits
from countersign.trust.fingerprint import DeviceId

_TOGETHER = 512  # lines that are compared at once
_HEX = slice(-2 - 2 * DIGEST, -2)  # of a file's line, where its hash is the last that it says


class ReceiptKeeper:
    """The sender's side: takes a receipt as it arrives, compares every line with what was sent, and keeps it.

    Use as a context; `path` is set when all is well.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        withdrawn: dict[int, str],
        transfer_id: bytes,
        sender: DeviceId,
        receiver_pem: str,
        stem: str,
    ) -> None:
        self._manifest = manifest
        self._withdrawn = withdrawn
        self._expected = (transfer_id.hex(), sender.hex())
        self._certificate = read_certificate(receiver_pem.encode(), "")
        self._stem = stem
        self._buffer = bytearray()
        self._hasher = hashlib.sha256()
        self._next = -1  # the header, then the entries, then the ending
        self.header: Header | None = None
        self.skipped: list[tuple[str, str]] = []
        self.renamed: list[tuple[str, str]] = []
        self._counted = Counts()
        self.path: Path | None = None
        try:
            self._spare = Spare(folder)
        except OSError as error:
            raise DiskProblem(path=folder, reason=error.strerror or error) from error

    def __enter__(self) -> ReceiptKeeper:
        return self

    def __exit__(self, *_details: object) -> None:
        self._spare.remove()

    def feed(self, data: memoryview) -> None:
        """Takes the next part. Raises ReceiptProblem or DiskProblem."""
        self._buffer += data
        end = self._buffer.rfind(b"\n") + 1
        lines = bytes(self._buffer[:end])
        del self._buffer[:end]
        try:
            self._take_all(lines.split(b"\n")[:-1])
            self._spare.file.write(lines)
        except OSError as error:
            raise DiskProblem(path=self._stem, reason=error.strerror or error) from error
        if len(self._buffer) > limits.RECEIPT_LINE_CAP:
            raise ReceiptProblem(detail=_("a line is too long"))

    def finish(self) -> Path:
        """All parts have come. Raises ReceiptProblem, DiskProblem."""
        if self._buffer or self._next <= len(self._manifest):
            raise ReceiptProblem(detail=_("it ends too early"))
        try:
            self.path = self._spare.keep(self._stem)
        except OSError as error:
            raise DiskProblem(path=self._stem, reason=error.strerror or error) from error
        return self.path

    def _take_all(self, lines: list[bytes]) -> None:
        for at in range(0, len(lines), _TOGETHER):
            some = lines[at : at + _TOGETHER]
            if not self._are_usual(some):
                for line in some:
                    self._take(line + b"\n")

    def _take(self, line: bytes) -> None:
        index = self._next
        self._next += 1
        try:
            if index == -1:
                self._check_header(header_decoder.decode(line))
            elif index < len(self._manifest):
                self._check_line(index, line_decoder.decode(line))
            elif index == len(self._manifest):
                self._check_ending(ending_decoder.decode(line))
                return
            else:
                raise ReceiptProblem(detail=_("something follows its signature"))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise ReceiptProblem(detail=_("a line can not be read")) from None
        self._hasher.update(line)

    def _check_header(self, header: Header) -> None:
        fits = (header.transfer_id, header.sender) == self._expected
        if header.format != FORMAT or not fits or not is_time(header.time):
            raise ReceiptProblem(detail=_("it is of another transfer"))
        if not self._is_theirs(header.certificate):
            raise ReceiptProblem(detail=_("it names another device"))
        self.header = header

    def _is_theirs(self, pem: str) -> bool:
        try:
            return read_certificate(pem.encode(), "") == self._certificate
        except Problem:  # what is no certificate is not theirs either
            return False

    def _are_usual(self, lines: list[bytes]) -> bool:
        """Takes lines that are, byte for byte, those of entries that arrived under their names: nearly all are, and this is the short way.

        Whether it has; else nothing has happened.
        """
        manifest, first = self._manifest, self._next
        indices = range(first, first + len(lines))
        if first < 0 or indices.stop > len(manifest) or not self._withdrawn.keys().isdisjoint(indices):
            return False
        try:
            wanted = [
                entry_line(manifest, i, bytes.fromhex(line[_HEX].decode()) if manifest.is_file(i) else b"", None, None)
                for i, line in zip(indices, lines, strict=True)
            ]
        except ValueError:  # that is no hash
            return False
        expected = encoder.encode_lines(wanted)
        if expected != b"\n".join([*lines, b""]):
            return False
        self._hasher.update(expected)
        self._next = indices.stop
        sizes = [manifest.sizes[i] for i in indices if manifest.is_file(i)]
        self._counted.add_files(len(sizes), sum(sizes))
        return True

    def _check_line(self, index: int, line: Line) -> None:
        digest = b""
        if line.skipped is None and self._manifest.is_file(index):
            digest = digest_of(line.sha256)
        if index in self._withdrawn and line.skipped is None:
            raise ReceiptProblem(detail=_("it names a file that was not sent"))
        if line != entry_line(self._manifest, index, digest, line.skipped, line.published):
            raise ReceiptProblem(detail=_("it differs from what was sent"))
        self._counted.add(line)
        if line.published is not None:
            self.renamed.append((line.path, line.published))
        if line.skipped is not None:
            self.skipped.append((printable(line.path, 4096), printable(line.skipped)))

    def _check_ending(self, ending: Ending) -> None:
        assert self.header is not None
        self._counted.check(self.header)
        if not signature_fits(self._certificate, signature_of(ending), LABEL + self._hasher.digest()):
            raise ReceiptProblem(detail=_("its signature is wrong"))
