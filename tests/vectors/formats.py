"""How each format is written from a vector's inputs and read back. One rule: inputs and outputs are what JSON can hold; bytes are hex."""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
from cryptography import x509

from countersign.base import errors
from countersign.pack.archive import PackWriter, read_pack
from countersign.pack.arrival import Arrival, Arrived, decode_verdict, encode, runs, verdict_on
from countersign.pack.manifest import Entry, Manifest, ManifestReader
from countersign.pack.payload import decoded
from countersign.pack.plan import Answer, Piece, decode_answer, encode_answer
from countersign.pack.reasons import Reason
from countersign.pack.summary import Summary, decode_summary, encode_summary
from countersign.receipts.checking import check_receipt
from countersign.receipts.format import Received, Sent, encoder, header_for, lines_for, signed_bytes, text_of
from countersign.seal import token
from countersign.seal.code import code_proof, same
from countersign.seal.keys import KeyRing, Label, stretch
from countersign.seal.stream import Opener, Sealer, Stream
from countersign.trust.renewal import Renewal, check_renewal, make_renewal
from countersign.wire import messages as m
from countersign.wire.frames import FrameReader, encode_frame
from tests.patched import patched
from tests.vectors.devices import device

Inputs: TypeAlias = dict[str, Any]
hexed = bytes.fromhex
_KNOWN = b"something known"


@dataclass(frozen=True)
class Format:
    """One file in `own/`. read gives what `expected` gives if the bytes are right, and raises `error` or gives something else if not."""

    write: Callable[[Inputs], bytes]
    read: Callable[[Inputs, bytes], object]
    expected: Callable[[Inputs], object]
    error: type[errors.Problem]


def whole(inputs: Inputs) -> object:
    """What is read is all that was put in."""
    return inputs


# --- seal ------------------------------------------------------------------------------------------------------------


def write_token(inputs: Inputs) -> bytes:
    return bytes(token.seal(hexed(inputs["key"]), [hexed(inputs["plain"])], inputs["now"], iv=hexed(inputs["iv"])))


def read_token(inputs: Inputs, data: bytes) -> object:
    return token.open_token(hexed(inputs["key"]), data).hex()


@functools.cache
def _stretched(key: str, salt: str) -> bytes:
    return stretch(key, hexed(salt))


def write_master(inputs: Inputs) -> bytes:
    return _stretched(inputs["key"], inputs["salt"])


def read_master(inputs: Inputs, data: bytes) -> object:
    """Opens with a key from these bytes what was sealed with a key from the right ones."""
    return _opened(*(KeyRing(one, b"t" * 16, b"", b"").stream_key(Label.PACK) for one in (write_master(inputs), data)))


def _opened(sealing: bytes, opening: bytes) -> object:
    """Whether one key opens what the other sealed. The IV is always the same: with one wrong key in 256 the padding looks right."""
    with patched(os, urandom=bytes):
        sealed = token.seal(sealing, [_KNOWN], 0)
    return bytes(token.open_token(opening, sealed)) == _KNOWN


def ring(inputs: Inputs) -> KeyRing:
    return KeyRing(*(hexed(inputs[name]) for name in ("master", "transfer_id", "sender_id", "receiver_id")))


def write_stream_key(inputs: Inputs) -> bytes:
    return ring(inputs).stream_key(Label(inputs["label"]))


def read_stream_key(inputs: Inputs, data: bytes) -> object:
    return _opened(write_stream_key(inputs), data)


def write_stream(inputs: Inputs) -> bytes:
    sealer = Sealer(ring(inputs), Stream[inputs["stream"]])
    with patched(os, urandom=lambda _size: hexed(inputs["iv"])):
        made = sealer.seal(inputs["number"], inputs["last"], [hexed(inputs["payload"])], inputs["now"])
    return bytes(made)


def read_stream(inputs: Inputs, data: bytes) -> object:
    last, payload = Opener(ring(inputs), Stream[inputs["stream"]]).open_frame(inputs["number"], data)
    return [last, payload.hex()]


def write_code(inputs: Inputs) -> bytes:
    names = ("receiver_nonce", "sender_nonce", "sender_id", "receiver_id")
    return code_proof(inputs["code"], *(hexed(inputs[name]) for name in names))


def read_code(inputs: Inputs, data: bytes) -> object:
    if not same(write_code(inputs), data):
        raise errors.CodeRefused  # as a receiver does once no try is left
    return True


def write_rejoin(inputs: Inputs) -> bytes:
    return ring(inputs).rejoin_proof(hexed(inputs["receiver_nonce"]), hexed(inputs["sender_nonce"]))


def read_rejoin(inputs: Inputs, data: bytes) -> object:
    if not same(write_rejoin(inputs), data):
        raise errors.Interrupted  # as a receiver does
    return True


# --- wire ------------------------------------------------------------------------------------------------------------


def _message(inputs: Inputs) -> m.Message:
    kind = m.Kind[inputs["type"].upper()]
    if kind not in m.CONTROL_TYPES:
        return m.Sealed(kind, memoryview(hexed(inputs["token"])))
    fields = {name: hexed(value[4:]) if str(value)[:4] == "hex:" else value for name, value in inputs["fields"].items()}
    return m.CONTROL_TYPES[kind](**fields)


def write_frame(inputs: Inputs) -> bytes:
    header, body = encode_frame(_message(inputs))
    return header + bytes(body)


def read_frame(inputs: Inputs, data: bytes) -> object:
    reader = FrameReader(lambda kind: m.CAPS[kind])
    return reader.feed(data) == [_message(inputs)] and reader.between_frames


# --- pack ------------------------------------------------------------------------------------------------------------


def manifest_of(entries: list[list[Any]]) -> Manifest:
    manifest = Manifest()
    for entry in entries:
        manifest.add(Entry(*entry))
    return manifest


def write_manifest(inputs: Inputs) -> bytes:
    [only] = manifest_of(inputs["entries"]).batches()
    return only


def read_manifest(inputs: Inputs, data: bytes) -> object:
    right = manifest_of(inputs["entries"])
    reader = ManifestReader(len(right), right.files, right.bytes)
    reader.add_batch(data)
    found = reader.finish()
    return {"entries": [list(msgspec.structs.astuple(found.entry(i))) for i in range(len(found))]}


def write_summary(inputs: Inputs) -> bytes:
    return encode_summary(Summary(**{**inputs, "renewal": hexed(inputs["renewal"])}))


def read_summary(_inputs: Inputs, data: bytes) -> object:
    found = decode_summary(data)
    return {**msgspec.structs.asdict(found), "renewal": found.renewal.hex()}


def write_answer(inputs: Inputs) -> bytes:
    held, unwanted, renewal = (hexed(inputs[name]) for name in ("held", "unwanted", "renewal"))
    return encode_answer(Answer(held, unwanted, [(index, size) for index, size in inputs["partial"]], renewal))


def read_answer(inputs: Inputs, data: bytes) -> object:
    found = decode_answer(data, manifest_of(inputs["entries"]))
    return {
        "entries": inputs["entries"],
        "held": found.held.hex(),
        "unwanted": found.unwanted.hex(),
        "partial": [list(pair) for pair in found.partial],
        "renewal": found.renewal.hex(),
    }


def _skipped(inputs: Inputs) -> dict[int, Reason]:
    return {index: Reason(reason) for index, reason in inputs["skipped"]}


def write_arrival(inputs: Inputs) -> bytes:
    return encode(Arrival(inputs["time"]))


def read_arrival(_inputs: Inputs, data: bytes) -> object:
    return {"time": decoded(data, Arrival).time}


def write_hashes(inputs: Inputs) -> bytes:
    [only] = runs(manifest_of(inputs["entries"]), _skipped(inputs), bytearray(hexed("".join(inputs["digests"]))))
    return encode(only)


def read_hashes(inputs: Inputs, data: bytes) -> object:
    arrived = Arrived(manifest_of(inputs["entries"]))
    arrived.add(encode(Arrival("2026-01-01T00:00:00+00:00")))
    arrived.add(data)
    arrived.finish()
    return [[[index, int(reason)] for index, reason in arrived.skipped.items()], arrived.runs[0][2].hex()]


def told_hashes(inputs: Inputs) -> object:
    manifest, skipped = manifest_of(inputs["entries"]), _skipped(inputs)
    told = [digest for i, digest in enumerate(inputs["digests"]) if manifest.is_file(i) and i not in skipped]
    return [inputs["skipped"], "".join(told)]


def write_verdict(inputs: Inputs) -> bytes:
    return encode(verdict_on(inputs["differing"], manifest_of(inputs["entries"])))


def read_verdict(inputs: Inputs, data: bytes) -> object:
    return decode_verdict(data, manifest_of(inputs["entries"]), _skipped(inputs))


def _pieces(inputs: Inputs) -> Iterator[tuple[Piece, bytes | None]]:
    """The planned pieces; those of withdrawn entries have no content."""
    for index, offset, length, content in inputs["pieces"]:
        yield Piece(index, offset, length), None if content is None else hexed(content)


def write_pack(inputs: Inputs) -> bytes:
    writer = PackWriter()
    for piece, content in _pieces(inputs):
        if content is not None:
            writer.add(piece, content)
    return b"".join(writer.finish([(index, word) for index, word in inputs["withdrawn"]]))


def read_packed(inputs: Inputs, data: bytes) -> object:
    found = read_pack(memoryview(data), [piece for piece, _content in _pieces(inputs)])
    members = [[*msgspec.structs.astuple(piece), bytes(content).hex()] for piece, content in found.members]
    return [members, [list(pair) for pair in found.withdrawn]]


def packed(inputs: Inputs) -> object:
    return [[piece for piece in inputs["pieces"] if piece[3] is not None], inputs["withdrawn"]]


# --- signed ----------------------------------------------------------------------------------------------------------


def write_renewal(inputs: Inputs) -> bytes:
    old, new = device(inputs["old"]), device(inputs["new"])
    return msgspec.msgpack.encode(make_renewal(old.key, old.der, new.der))


def read_renewal(inputs: Inputs, data: bytes) -> object:
    renewal = decoded(data, Renewal, errors.RenewalRefused(detail="x"))
    pinned = x509.load_der_x509_certificate(hexed(inputs["pinned"]))
    check_renewal(pinned, renewal, (), lambda _pem: True)
    return renewal.certificate.hex()


def body_of(inputs: Inputs) -> bytes:
    """The lines of a receipt before its signatures."""
    manifest = manifest_of(inputs["entries"])
    pems = inputs["sender_certificate"], inputs["receiver_certificate"]
    header = header_for(manifest, inputs["name"], hexed(inputs["transfer_id"]), inputs["time"], _skipped(inputs), pems)
    lines = lines_for(manifest, _skipped(inputs), bytearray(hexed("".join(inputs["digests"]))))
    return encoder.encode(header) + b"\n" + encoder.encode_lines(list(lines))


def signature_of(inputs: Inputs, role: m.Role) -> bytes:
    return device(inputs[role.value]).key.sign(signed_bytes(role, hexed(inputs["digest"])))


def write_receipt(inputs: Inputs) -> bytes:
    tail = [
        Received(text_of(signature_of(inputs, m.Role.RECEIVER))),
        Sent(text_of(signature_of(inputs, m.Role.SENDER))),
    ]
    return body_of(inputs) + encoder.encode_lines(tail)


def read_receipt(_inputs: Inputs, data: bytes) -> object:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "x.receipt"
        path.write_bytes(data)
        found = check_receipt(path, None)
    return [found.header.transfer_id, found.countersigned, found.files, [list(pair) for pair in found.skipped]]


def receipt_says(inputs: Inputs) -> object:
    manifest, skipped = manifest_of(inputs["entries"]), _skipped(inputs)
    told = [[manifest.path(index), reason.word] for index, reason in skipped.items()]
    return [inputs["transfer_id"], True, manifest.files_without(skipped)[0], told]


def true(_inputs: Inputs) -> object:
    return True


FORMATS: dict[str, Format] = {
    "token": Format(write_token, read_token, lambda inputs: inputs["plain"], errors.SealBroken),
    "master": Format(write_master, read_master, true, errors.SealBroken),
    "stream_keys": Format(write_stream_key, read_stream_key, true, errors.SealBroken),
    "stream": Format(
        write_stream, read_stream, lambda inputs: [inputs["last"], inputs["payload"]], errors.SealBroken
    ),
    "code": Format(write_code, read_code, true, errors.CodeRefused),
    "rejoin": Format(write_rejoin, read_rejoin, true, errors.Interrupted),
    "frames": Format(write_frame, read_frame, true, errors.ProtocolProblem),
    "summary": Format(write_summary, read_summary, whole, errors.OfferRefused),
    "manifest": Format(write_manifest, read_manifest, whole, errors.OfferRefused),
    "answer": Format(write_answer, read_answer, whole, errors.ProtocolProblem),
    "pack": Format(write_pack, read_packed, packed, errors.SealBroken),
    "arrival": Format(write_arrival, read_arrival, whole, errors.ProtocolProblem),
    "hashes": Format(write_hashes, read_hashes, told_hashes, errors.ProtocolProblem),
    "verdict": Format(write_verdict, read_verdict, lambda inputs: inputs["differing"], errors.ProtocolProblem),
    "renewal": Format(write_renewal, read_renewal, lambda inputs: device(inputs["new"]).der.hex(), errors.RenewalRefused),
    "receipt": Format(write_receipt, read_receipt, receipt_says, errors.ReceiptProblem),
}  # fmt: skip


def flipped(data: bytes, bit: int) -> bytes:
    """The same with one bit changed; bit 0 is the lowest of the first byte."""
    out = bytearray(data)
    out[bit >> 3] ^= 1 << (bit & 7)
    return bytes(out)
