"""Receipts: for every entry what arrived, signed by the receiving device. One JSON object a line; see docs/PROTOCOL.md.

Written, sent and checked line by line, so that a million entries need no memory.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding

from countersign import limits
from countersign.errors import DiskProblem, FolderMissing, Problem, ReceiptProblem
from countersign.files import open_regular
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
DIGEST = 32  # bytes of SHA-256
LABEL = b"countersign/1 receipt\0"
_KINDS = tuple(kind.name.lower() for kind in sorted(EntryKind))  # by number


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


encoder = msgspec.json.Encoder()
header_decoder = msgspec.json.Decoder(Header, strict=True)
line_decoder = msgspec.json.Decoder(Line, strict=True)
ending_decoder = msgspec.json.Decoder(Ending, strict=True)


def entry_line(manifest: Manifest, index: int, digest: bytes, skipped: str | None, published: str | None) -> Line:
    """The line of an entry. digest: SHA-256 of a file, else unused. published: another name of a top entry."""
    path, kind = manifest.path(index), _KINDS[manifest.kinds[index]]
    if skipped is not None:
        return Line(path, kind, skipped=skipped)
    if manifest.is_file(index):
        return Line(path, kind, manifest.sizes[index], digest.hex(), published=published)
    return Line(path, kind, target=manifest.targets.get(index), published=published)


class Counts:
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
            self.add_files(1, line.size or 0)

    def add_files(self, files: int, size: int) -> None:
        """Counts files that have arrived."""
        self.files += files
        self.bytes += size

    def check(self, header: Header) -> None:
        """Raises ReceiptProblem where the header says something else."""
        if (header.files, header.bytes, header.skipped) != (self.files, self.bytes, self.skipped):
            raise ReceiptProblem(detail=_("its counts are wrong"))


def digest_of(text: str | None) -> bytes:
    """The bytes of a hash in hexadecimal. Raises ReceiptProblem for anything else."""
    try:
        digest = bytes.fromhex(text or "")
    except ValueError:
        digest = b""
    if len(digest) != DIGEST:
        raise ReceiptProblem(detail=_("a hash is missing"))
    return digest


def signature_of(ending: Ending) -> bytes:
    """The signature in an ending. Raises ReceiptProblem."""
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
    counts = Counts()
    ended = False
    try:
        with open_regular(path) as file:
            for number, line in enumerate(iter(lambda: file.readline(limits.RECEIPT_LINE_CAP + 1), b"")):
                if ended or not line.endswith(b"\n"):
                    raise ReceiptProblem(detail=_("it is not whole"))
                if number == 0:
                    header = header_decoder.decode(line)
                    if header.format != FORMAT or not is_time(header.time):
                        raise ReceiptProblem(detail=_("it is not a receipt"))
                    certificate = read_certificate(header.certificate.encode(), path.name)
                    yield header
                elif line.startswith(b'{"signature":'):
                    assert certificate is not None
                    assert header is not None
                    ending = ending_decoder.decode(line)
                    if not signature_fits(certificate, signature_of(ending), LABEL + hasher.digest()):
                        raise ReceiptProblem(detail=_("its signature is wrong"))
                    counts.check(header)
                    ended = True
                    continue
                else:
                    found = line_decoder.decode(line)
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


def is_time(text: str) -> bool:
    """Whether it is a date and time in the form of RFC 3339, and nothing that a screen would obey."""
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        return False
    return moment.year in YEARS and text.isascii() and text.isprintable()
