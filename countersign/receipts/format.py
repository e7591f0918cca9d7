"""The format of a receipt: it lists what arrived, signed by both devices. One JSON object a line; see docs/PROTOCOL.md.

Both sides write the same text from what both know. So it never crosses the wire, and no statement is one side's alone.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import re
from collections.abc import Iterator, Mapping
from typing import Annotated

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from countersign.base import limits
from countersign.base.errors import Problem, ReceiptProblem
from countersign.base.hashing import DIGEST
from countersign.base.i18n import _
from countersign.pack.manifest import EntryKind, Manifest
from countersign.pack.reasons import BY_WORD, Reason
from countersign.trust.certificate import read_certificate, signature_fits
from countersign.trust.fingerprint import device_id
from countersign.wire.messages import Role

FORMAT = "countersign-receipt/2"
SUFFIX = ".receipt"
YEARS = range(1970, 9999)  # years that are valid dates in every time zone
KINDS = tuple(kind.name.lower() for kind in sorted(EntryKind))  # by number
_NUMBER = {word: number for number, word in enumerate(KINDS)}
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[+-][0-9]{2}:[0-9]{2}")
_ID = 32  # hexadecimal digits of a transfer id
_LABEL = b"countersign/2 receipt "
_Count = Annotated[int, msgspec.Meta(ge=0, le=limits.MAX_TOTAL_BYTES)]


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first line of a receipt."""

    format: str
    transfer_id: str
    time: str
    name: str
    sender: str
    receiver: str
    sender_certificate: str
    receiver_certificate: str
    entries: Annotated[int, msgspec.Meta(ge=1, le=limits.MAX_ENTRIES)]
    files: _Count
    bytes: _Count
    skipped: _Count


class Line(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """One entry. parent: the entry number of its folder, -1 at the top."""

    name: str
    kind: str
    parent: int = -1
    size: int | None = None
    blake3: str | None = None
    target: str | None = None
    skipped: str | None = None

    @property
    def number_of_kind(self) -> int:
        """Raises ReceiptProblem for an unknown kind."""
        number = _NUMBER.get(self.kind)
        if number is None:
            raise ReceiptProblem(detail=_("it holds an entry of an unknown kind"))
        return number


class Received(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The receiver's signature."""

    received: str


class Here(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Only in the receiver's copy: the changed name of a top entry there."""

    here: str
    name: str


class Sent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The sender's signature."""

    sent: str


class Notice(msgspec.Struct, frozen=True):
    """The payload of `receipt`. renamed: whether a name was changed there, if the person allows telling it."""

    time: Annotated[str, msgspec.Meta(max_length=64)]
    signature: Annotated[bytes, msgspec.Meta(max_length=limits.SIGNATURE_CAP)]
    renamed: bool = False


class Countersignature(msgspec.Struct, frozen=True):
    """The payload of `thanks`."""

    signature: Annotated[bytes, msgspec.Meta(max_length=limits.SIGNATURE_CAP)]


encoder = msgspec.json.Encoder()


def header_for(
    manifest: Manifest,
    name: str,
    transfer_id: bytes,
    time: str,
    skipped: Mapping[int, Reason],
    certificates: tuple[str, str],
) -> Header:
    """The header on which both sides agree. certificates: the sender's and the receiver's, PEM."""
    sender, receiver = (read_certificate(pem.encode(), "").public_bytes(Encoding.DER) for pem in certificates)
    files, size = manifest.files_without(skipped)
    return Header(
        format=FORMAT,
        transfer_id=transfer_id.hex(),
        time=time,
        name=name,
        sender=device_id(sender).hex(),
        receiver=device_id(receiver).hex(),
        sender_certificate=certificates[0],
        receiver_certificate=certificates[1],
        entries=len(manifest),
        files=files,
        bytes=size,
        skipped=len(skipped),
    )


def lines_for(manifest: Manifest, skipped: Mapping[int, Reason], digests: bytearray) -> Iterator[Line]:
    """A line for every entry. digests: DIGEST bytes an entry, used for files that arrived."""
    names, parents, kinds, sizes = manifest.names, manifest.parents, manifest.kinds, manifest.sizes
    hexes = memoryview(digests)
    for index in range(len(manifest)):
        name, kind, parent = names[index], KINDS[kinds[index]], parents[index]
        reason = skipped.get(index)
        if reason is not None:
            yield Line(name, kind, parent, skipped=reason.word)
        elif manifest.is_file(index):
            digest = hexes[DIGEST * index : DIGEST * (index + 1)]
            yield Line(name, kind, parent, sizes[index], digest.hex())
        else:
            yield Line(name, kind, parent, target=manifest.targets.get(index))


def signed_bytes(role: Role, digest: bytes) -> bytes:
    """The bytes that a side signs. digest: BLAKE3 of all lines before the signatures."""
    return _LABEL + role.value.encode() + b"\0" + digest


def text_of(signature: bytes) -> str:
    """A signature's text in a receipt."""
    return base64.b64encode(signature).decode()


def bytes_of(text: str) -> bytes:
    """The signature in a line. Raises ReceiptProblem."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ReceiptProblem(detail=_("its signature is wrong")) from None


def check_signature(certificate: x509.Certificate, role: Role, digest: bytes, signature: bytes) -> None:
    """Raises ReceiptProblem unless this device signed these lines in this role."""
    if not signature_fits(certificate, signature, signed_bytes(role, digest)):
        raise ReceiptProblem(detail=_("its signature is wrong"))


def check_header(header: Header) -> dict[Role, x509.Certificate]:
    """The certificates of both sides. Raises ReceiptProblem for a header that no transfer can produce."""
    if header.format != FORMAT or not is_time(header.time) or len(header.name) > limits.SUMMARY_NAME:
        raise ReceiptProblem(detail=_("it is not a receipt"))
    if not _is_hex(header.transfer_id, _ID):
        raise ReceiptProblem(detail=_("it is not a receipt"))
    found = {}
    for role, text, identity in (
        (Role.SENDER, header.sender_certificate, header.sender),
        (Role.RECEIVER, header.receiver_certificate, header.receiver),
    ):
        try:
            certificate = read_certificate(text.encode(), role.value)
        except Problem as error:
            raise ReceiptProblem(detail=_("it is not a receipt")) from error
        if device_id(certificate.public_bytes(Encoding.DER)).hex() != identity:
            raise ReceiptProblem(detail=_("it names another device"))
        found[role] = certificate
    return found


def check_line(line: Line) -> None:
    """Raises ReceiptProblem if a line's fields do not fit its kind. pack.manifest.Outline checks names and order."""
    is_file = line.kind in ("file", "executable")
    if line.skipped is not None:
        fits = line.skipped in BY_WORD and (line.size, line.blake3, line.target) == (None, None, None)
    elif is_file:
        size = line.size
        in_range = size is not None and 0 <= size <= limits.MAX_TOTAL_BYTES
        fits = in_range and line.target is None and _is_hex(line.blake3 or "", 2 * DIGEST)
    else:
        fits = line.size is None and line.blake3 is None and (line.kind == "link") == bool(line.target)
    if not fits:
        raise ReceiptProblem(detail=_("it holds a line that cannot be"))


def _is_hex(text: str, length: int) -> bool:
    return len(text) == length and all(c in "0123456789abcdef" for c in text)


def time_text(moment: datetime.datetime) -> str:
    """A time in a receipt's form; in UTC if the zone's own form is not RFC 3339."""
    text = moment.isoformat(timespec="seconds")
    return text if is_time(text) else moment.astimezone(datetime.timezone.utc).isoformat(timespec="seconds")


def is_time(text: str) -> bool:
    """Whether it is a time in the one RFC 3339 form that we write. Python versions differ in what they read."""
    if _TIME.fullmatch(text) is None:
        return False
    try:
        return datetime.datetime.fromisoformat(text).year in YEARS
    except ValueError:
        return False
