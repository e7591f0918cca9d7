"""Receipts: for every entry what arrived, signed by the receiving device. One JSON object a line; see docs/PROTOCOL.md.

Written, sent and checked line by line, so that a million entries need no memory.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import hashlib
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding

from countersign import limits
from countersign.errors import DiskProblem, FolderMissing, Problem, ReceiptProblem
from countersign.files import PRIVATE_FILE, sync_folder
from countersign.i18n import _
from countersign.pack.manifest import EntryKind, Manifest
from countersign.pack.names import can_be_sent
from countersign.printable import printable
from countersign.transfer.disk import Folder, is_link, read_at
from countersign.trust.certificate import read_certificate, signature_fits
from countersign.trust.fingerprint import DeviceId, device_id

FORMAT = "countersign-receipt/1"
SUFFIX = ".receipt"
YEARS = range(1970, 9999)  # those that are dates in every time zone
_PART = 512 * limits.KIB
_LABEL = b"countersign/1 receipt\0"
_KINDS = {
    EntryKind.FOLDER: "folder",
    EntryKind.FILE: "file",
    EntryKind.EXECUTABLE: "executable",
    EntryKind.LINK: "link",
}


class Header(msgspec.Struct, frozen=True):
    """The first line."""

    format: str
    transfer_id: str
    time: str
    name: str
    sender: str
    receiver: str
    certificate: str
    files: int
    bytes: int
    skipped: int


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One entry."""

    path: str
    kind: str
    size: int | None = None
    sha256: str | None = None
    target: str | None = None
    skipped: str | None = None
    published: str | None = None  # the name under which a top entry arrived, where that is another one


class Ending(msgspec.Struct, frozen=True):
    """The last line."""

    signature: str


_encoder = msgspec.json.Encoder()
_header = msgspec.json.Decoder(Header, strict=True)
_line = msgspec.json.Decoder(Line, strict=True)
_ending = msgspec.json.Decoder(Ending, strict=True)


def entry_line(manifest: Manifest, index: int, digest: bytes, skipped: str | None, published: str | None) -> Line:
    """The line of an entry. digest: SHA-256 of a file, else unused. published: another name of a top entry."""
    path, kind = manifest.path(index), _KINDS[EntryKind(manifest.kinds[index])]
    if skipped is not None:
        return Line(path, kind, skipped=skipped)
    if manifest.is_file(index):
        return Line(path, kind, size=manifest.sizes[index], sha256=digest.hex(), published=published)
    return Line(path, kind, target=manifest.targets.get(index), published=published)


def write_receipt(
    folder: Path, header: Header, lines: Iterator[Line], sign: Callable[[bytes], bytes], stem: str
) -> Path:
    """Writes a signed receipt into `folder` and gives its path. Raises DiskProblem."""
    try:
        with _Spare(folder) as spare:
            hasher = hashlib.sha256()
            for data in _encoded(header, lines):
                hasher.update(data)
                spare.file.write(data)
            signature = base64.b64encode(sign(_LABEL + hasher.digest())).decode()
            spare.file.write(_encoder.encode(Ending(signature)) + b"\n")
            return spare.keep(stem)
    except OSError as error:
        raise DiskProblem(path=folder, reason=error.strerror or error) from error


def _encoded(header: Header, lines: Iterator[Line]) -> Iterator[bytes]:
    yield _encoder.encode(header) + b"\n"
    for line in lines:
        yield _encoder.encode(line) + b"\n"


class _Spare:
    """A new file beside its later name, removed unless it is kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / f".{secrets.token_hex(8)}"
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), PRIVATE_FILE)
        self.file: BinaryIO = open(handle, "wb")  # noqa: SIM115 - closed by __exit__

    def __enter__(self) -> _Spare:
        return self

    def __exit__(self, *_details: object) -> None:
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
    return f"{now:%Y-%m-%d %H.%M.%S} {peer} {transfer_id.hex()[:8]}"


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
        self._counted = _Counts()
        self.path: Path | None = None
        try:
            self._spare = _Spare(folder)
        except OSError as error:
            raise DiskProblem(path=folder, reason=error.strerror or error) from error

    def __enter__(self) -> ReceiptKeeper:
        return self

    def __exit__(self, *details: object) -> None:
        self._spare.__exit__(*details)

    def feed(self, data: memoryview) -> None:
        """Takes the next part. Raises ReceiptProblem or DiskProblem."""
        self._buffer += data
        try:
            while (end := self._buffer.find(b"\n")) >= 0:
                line = bytes(self._buffer[: end + 1])
                del self._buffer[: end + 1]
                self._take(line)
                self._spare.file.write(line)
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

    def _take(self, line: bytes) -> None:
        index = self._next
        self._next += 1
        try:
            if index == -1:
                self._check_header(_header.decode(line))
            elif index < len(self._manifest):
                self._check_line(index, _line.decode(line))
            elif index == len(self._manifest):
                self._check_ending(_ending.decode(line))
                return
            else:
                raise ReceiptProblem(detail=_("something follows its signature"))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise ReceiptProblem(detail=_("a line can not be read")) from None
        self._hasher.update(line)

    def _check_header(self, header: Header) -> None:
        fits = (header.transfer_id, header.sender) == self._expected
        if header.format != FORMAT or not fits or not _is_time(header.time):
            raise ReceiptProblem(detail=_("it is of another transfer"))
        if not self._is_theirs(header.certificate):
            raise ReceiptProblem(detail=_("it names another device"))
        self.header = header

    def _is_theirs(self, pem: str) -> bool:
        try:
            return read_certificate(pem.encode(), "") == self._certificate
        except Problem:  # what is no certificate is not theirs either
            return False

    def _check_line(self, index: int, line: Line) -> None:
        digest = b""
        if line.skipped is None and self._manifest.is_file(index):
            digest = _digest(line.sha256)
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
        if not signature_fits(self._certificate, _signature(ending), _LABEL + self._hasher.digest()):
            raise ReceiptProblem(detail=_("its signature is wrong"))


class _Counts:
    """What the lines add up to, and what every line must obey; the header must say the same."""

    def __init__(self) -> None:
        self.files = self.bytes = self.skipped = 0

    def add(self, line: Line) -> None:
        """Raises ReceiptProblem for a line that can not be."""
        parts = line.path.split("/")
        if not all(can_be_sent(part) for part in parts):
            raise ReceiptProblem(detail=_("it holds a path that can not be"))
        if line.published is not None and (len(parts) > 1 or not can_be_sent(line.published)):
            raise ReceiptProblem(detail=_("it holds a name that can not be"))
        self.skipped += line.skipped is not None
        if line.sha256 is not None and line.skipped is None:
            self.files += 1
            self.bytes += line.size or 0

    def check(self, header: Header) -> None:
        """Raises ReceiptProblem where the header says something else."""
        if (header.files, header.bytes, header.skipped) != (self.files, self.bytes, self.skipped):
            raise ReceiptProblem(detail=_("its counts are wrong"))


def _digest(text: str | None) -> bytes:
    try:
        digest = bytes.fromhex(text or "")
    except ValueError:
        digest = b""
    if len(digest) != 32:
        raise ReceiptProblem(detail=_("a hash is missing"))
    return digest


def _signature(ending: Ending) -> bytes:
    try:
        return base64.b64decode(ending.signature, validate=True)
    except (binascii.Error, ValueError):
        raise ReceiptProblem(detail=_("its signature is wrong")) from None


@dataclass(frozen=True)
class Checked:
    """A receipt whose signature is right, and what a folder looks like beside it."""

    header: Header
    signer: DeviceId
    files: int
    skipped: tuple[tuple[str, str], ...]
    differing: tuple[tuple[str, str], ...]  # path and what is wrong, where a folder was given


def read_receipt(path: Path) -> Iterator[Any]:
    """Header, then lines, of a receipt whose signature is checked at its end: use `check_receipt` for trust.

    Raises ReceiptProblem, DiskProblem.
    """
    hasher = hashlib.sha256()
    certificate = None
    header: Header | None = None
    counts = _Counts()
    ended = False
    try:
        with open(path, "rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(limits.RECEIPT_LINE_CAP + 1), b"")):
                if ended or not line.endswith(b"\n"):
                    raise ReceiptProblem(detail=_("it is not whole"))
                if number == 0:
                    header = _header.decode(line)
                    if header.format != FORMAT or not _is_time(header.time):
                        raise ReceiptProblem(detail=_("it is not a receipt"))
                    certificate = read_certificate(header.certificate.encode(), path.name)
                    yield header
                elif line.startswith(b'{"signature":'):
                    assert certificate is not None
                    assert header is not None
                    ending = _ending.decode(line)
                    if not signature_fits(certificate, _signature(ending), _LABEL + hasher.digest()):
                        raise ReceiptProblem(detail=_("its signature is wrong"))
                    counts.check(header)
                    ended = True
                    continue
                else:
                    found = _line.decode(line)
                    counts.add(found)
                    yield found
                hasher.update(line)
    except OSError as error:
        raise DiskProblem(path=path, reason=error.strerror or error) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ReceiptProblem(detail=_("it is not a receipt")) from None
    except ReceiptProblem:
        raise
    except Problem as error:
        raise ReceiptProblem(detail=_("it is not a receipt")) from error
    if not ended:
        raise ReceiptProblem(detail=_("it is not whole"))


def check_receipt(path: Path, folder: Path | None) -> Checked:
    """Checks a receipt's signature, and the content of a folder against it. Raises ReceiptProblem, DiskProblem."""
    renamed: dict[str, str] = {}
    root = _opened(folder) if folder is not None else None
    try:
        return _check_lines(path, root, renamed)
    finally:
        if root is not None:
            root.close()


def _opened(folder: Path) -> Folder:
    try:
        return Folder.open_root(folder)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FolderMissing(path=folder) from error
    except OSError as error:
        raise DiskProblem(path=folder, reason=error.strerror or error) from error


def _check_lines(path: Path, root: Folder | None, renamed: dict[str, str]) -> Checked:
    header: Header | None = None
    files = 0
    skipped: list[tuple[str, str]] = []
    differing: list[tuple[str, str]] = []
    for item in read_receipt(path):
        if isinstance(item, Header):
            header = item
            continue
        assert header is not None
        if item.skipped is not None:
            skipped.append((printable(item.path, 4096), printable(item.skipped)))
            continue
        files += item.sha256 is not None
        if item.published is not None:
            renamed[item.path] = item.published
        if root is not None:
            wrong = _difference(root, item, renamed)
            if wrong is not None:
                differing.append((printable(item.path, 4096), wrong))
    if header is None:
        raise ReceiptProblem(detail=_("it is not a receipt"))
    certificate = read_certificate(header.certificate.encode(), path.name)
    signer = device_id(certificate.public_bytes(Encoding.DER))
    return Checked(header, signer, files, tuple(skipped), tuple(differing))


def _difference(root: Folder, line: Line, renamed: dict[str, str]) -> str | None:
    """What is wrong with an entry in this folder: None where it is as the receipt says, under either of its names."""
    first, *rest = line.path.split("/")
    wrong: str | None = None
    for top in (renamed.get(first, first), first):
        wrong = _compare(root, [top, *rest], line)
        if wrong is None:
            return None
    return wrong


def _compare(root: Folder, parts: list[str], line: Line) -> str | None:
    """Opened folder by folder, and no link is followed: a receipt must not make us look elsewhere."""
    opened: list[Folder] = []
    try:
        folder = root
        for part in parts[:-1]:
            folder = folder.folder(part)
            opened.append(folder)
        return _compare_one(folder, parts[-1], line)
    except (FileNotFoundError, NotADirectoryError):
        return _("is missing")
    except OSError as error:
        return error.strerror or str(error)
    finally:
        for one in opened:
            one.close()


def _compare_one(folder: Folder, name: str, line: Line) -> str | None:
    status = folder.status(name)
    if line.kind == "link":
        same = is_link(status) and folder.read_link(name) == line.target
        return None if same else _("is another link")
    if line.kind == "folder":
        return None if stat.S_ISDIR(status.st_mode) and not is_link(status) else _("is not a folder")
    if is_link(status) or not stat.S_ISREG(status.st_mode):
        return _("is not a file")
    if status.st_size != line.size:
        return _("has another size")
    handle = folder.read_file(name)
    try:
        return None if _hash_of(handle) == line.sha256 else _("has other content")
    finally:
        os.close(handle)


def _hash_of(handle: int) -> str:
    hasher = hashlib.sha256()
    buffer = memoryview(bytearray(limits.MIB))
    offset = 0
    while count := read_at(handle, buffer, offset):
        hasher.update(buffer[:count])
        offset += count
    return hasher.hexdigest()


def _is_time(text: str) -> bool:
    """Whether it is a date and time in the form of RFC 3339, and nothing that a screen would obey."""
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        return False
    return moment.year in YEARS and text.isascii() and text.isprintable()
