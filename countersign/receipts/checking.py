"""Checks a receipt: its form, both signatures, and optionally a folder against it. Line by line, in little memory."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias, TypeVar

import msgspec

from countersign.base import limits
from countersign.base.errors import FolderMissing, OfferRefused, ReceiptProblem
from countersign.base.files import open_regular
from countersign.base.hashing import Hasher, new_hasher
from countersign.base.i18n import _
from countersign.base.printable import printable
from countersign.base.refusals import disk_errors, disk_problem, reason_of
from countersign.disk.folders import File, Folder, is_link
from countersign.pack.manifest import EntryKind, Outline
from countersign.pack.names import can_be_sent
from countersign.receipts.format import (
    Header,
    Here,
    Line,
    Received,
    Sent,
    bytes_of,
    check_header,
    check_line,
    check_signature,
    encoder,
)
from countersign.trust.fingerprint import DeviceId
from countersign.wire.messages import Role

_header = msgspec.json.Decoder(Header, strict=True)
_line = msgspec.json.Decoder(Line, strict=True)
_RECEIVED = msgspec.json.Decoder(Received, strict=True)
_HERE = msgspec.json.Decoder(Here, strict=True)
_SENT = msgspec.json.Decoder(Sent, strict=True)

T = TypeVar("T")
Checksum: TypeAlias = Callable[[str, str], None]


@dataclass
class Checked:
    """A receipt with valid signatures, and how a folder differs from it."""

    header: Header
    sender: DeviceId
    receiver: DeviceId
    files: int = 0
    countersigned: bool = False  # by the sender too
    skipped: list[tuple[str, str]] = field(default_factory=list)  # path and the reason's word
    differing: list[tuple[str, str]] = field(default_factory=list)  # path and problem, if a folder was given


@dataclass
class _Read:
    """The state of reading so far."""

    header: Header | None = None
    hasher: Hasher = field(default_factory=new_hasher)
    outline: Outline = field(default_factory=Outline)
    entries: int = 0
    files: int = 0
    bytes: int = 0
    skipped: int = 0
    received: bool = False
    sent: bool = False
    tops: set[str] = field(default_factory=set)


def read_receipt(path: Path) -> Iterator[Header | tuple[list[str], Line] | Received | Here | Sent]:
    """Yields the header, each entry's path and line, each verified signature. Trust nothing before it has ended.

    Raises ReceiptProblem, DiskProblem.
    """
    read = _Read()
    try:
        with disk_errors(path), open_regular(path) as file:
            for data in iter(lambda: file.readline(limits.RECEIPT_LINE_CAP + 1), b""):
                if not data.endswith(b"\n"):
                    raise ReceiptProblem(detail=_("it is not whole"))
                yield _take(read, data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ReceiptProblem(detail=_("it is not a receipt")) from None
    except OfferRefused:
        raise ReceiptProblem(detail=_("it holds a path that cannot be")) from None
    if not read.received:
        raise ReceiptProblem(detail=_("it is not whole"))


def _take(read: _Read, data: bytes) -> Header | tuple[list[str], Line] | Received | Here | Sent:
    if read.header is None:
        read.header = _canonical(_header.decode(data), data)
        check_header(read.header)
        read.hasher.update(data)
        return read.header
    if read.entries < read.header.entries:
        line = _canonical(_line.decode(data), data)
        read.hasher.update(data)
        return _take_line(read, line), line
    return _take_tail(read, read.header, data)


def _take_line(read: _Read, line: Line) -> list[str]:
    kind = line.number_of_kind
    check_line(line)
    # a skipped link has no target; any valid one will do to check the order
    target = (line.target or "x") if kind == EntryKind.LINK else ""
    read.outline.add(kind, line.parent, line.name, target)
    read.entries += 1
    if line.skipped is not None:
        read.skipped += 1
    elif line.size is not None:
        read.files += 1
        read.bytes += line.size
    if line.parent < 0:
        read.tops.add(line.name)
    return read.outline.components(kind, line.name)


def _take_tail(read: _Read, header: Header, data: bytes) -> Received | Here | Sent:
    """The signatures and the lines around them: the receiver's first, then names, then the sender's."""
    if read.sent:
        raise ReceiptProblem(detail=_("something follows its signatures"))
    if not read.received:
        first = _canonical(_RECEIVED.decode(data), data)
        counted = (read.files, read.bytes, read.skipped)
        if (header.files, header.bytes, header.skipped) != counted:
            raise ReceiptProblem(detail=_("its counts are wrong"))
        _check(read, header, Role.RECEIVER, first.received)
        read.received = True
        return first
    if data.startswith(b'{"sent":'):
        second = _canonical(_SENT.decode(data), data)
        _check(read, header, Role.SENDER, second.sent)
        read.sent = True
        return second
    here = _canonical(_HERE.decode(data), data)
    if here.name not in read.tops or not can_be_sent(here.here):
        raise ReceiptProblem(detail=_("it holds a name that cannot be"))
    return here


def _check(read: _Read, header: Header, role: Role, signature: str) -> None:
    check_signature(check_header(header)[role], role, read.hasher.digest(), bytes_of(signature))


def _canonical(found: T, data: bytes) -> T:
    """Returns `found` if it was written as we write it: a receipt has one form. Raises ReceiptProblem."""
    if encoder.encode(found) + b"\n" != data:
        raise ReceiptProblem(detail=_("it is not a receipt"))
    return found


def check_receipt(path: Path, folder: Path | None, checksum: Checksum | None = None) -> Checked:
    """Checks a receipt, and a folder's content against it.

    checksum: called with path and SHA-256 of every file that matches the receipt. Raises ReceiptProblem, DiskProblem.
    """
    if folder is None:
        return _checked(path, None, checksum)
    try:
        root = Folder.open_root(folder)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FolderMissing(path=folder) from error
    except OSError as error:
        raise disk_problem(error, folder) from error
    with root:
        return _checked(path, root, checksum)


def _checked(path: Path, root: Folder | None, checksum: Checksum | None) -> Checked:
    here = _names_here(path) if root is not None else {}
    items = read_receipt(path)
    header = next(items, None)
    if not isinstance(header, Header):
        raise ReceiptProblem(detail=_("it is not a receipt"))
    found = Checked(header, DeviceId(bytes.fromhex(header.sender)), DeviceId(bytes.fromhex(header.receiver)))
    for item in items:
        if isinstance(item, Sent):
            found.countersigned = True
        elif isinstance(item, tuple):
            _check_entry(found, root, here, checksum, *item)
    return found


def _names_here(path: Path) -> dict[str, str]:
    """The changed names of top entries. They come after the receiver's signature, so we read them before the lines."""
    return {item.name: item.here for item in read_receipt(path) if isinstance(item, Here)}


def _check_entry(
    found: Checked, root: Folder | None, here: dict[str, str], checksum: Checksum | None, parts: list[str], line: Line
) -> None:
    shown = printable("/".join(parts), 4096)
    if line.skipped is not None:
        found.skipped.append((shown, line.skipped))
        return
    found.files += line.blake3 is not None
    if root is None:
        return
    first, *rest = parts
    wrong: str | None = None
    for top in dict.fromkeys((here.get(first, first), first)):
        compared = _Compared()
        wrong = _compare(root, [top, *rest], line, compared)
        if wrong is None:
            if compared.sha256 and checksum is not None:
                checksum("/".join([top, *rest]), compared.sha256)
            return
    found.differing.append((shown, wrong or ""))


@dataclass
class _Compared:
    sha256: str = ""


def _compare(root: Folder, parts: list[str], line: Line, compared: _Compared) -> str | None:
    """The problem with an entry, or None. Opens folder by folder and follows no link, which could lead us elsewhere."""
    opened: list[Folder] = []
    try:
        folder = root
        for part in parts[:-1]:
            folder = folder.folder(part)
            opened.append(folder)
        return _compare_one(folder, parts[-1], line, compared)
    except (FileNotFoundError, NotADirectoryError):
        return _("is missing")
    except OSError as error:
        return reason_of(error)
    finally:
        for one in opened:
            one.close()


def _compare_one(folder: Folder, name: str, line: Line, compared: _Compared) -> str | None:
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
    with folder.read_file(name) as file:
        same, compared.sha256 = _has_content(file, line.blake3 or "")
    return None if same else _("has other content")


def _has_content(file: File, blake3: str) -> tuple[bool, str]:
    """Whether the file has this hash, and its SHA-256 from the same pass."""
    hasher, other = new_hasher(), hashlib.sha256()
    buffer = memoryview(bytearray(limits.MIB))
    offset = 0
    while count := file.read_at(buffer, offset):
        hasher.update(buffer[:count])
        other.update(buffer[:count])
        offset += count
    return hasher.hexdigest() == blake3, other.hexdigest()
