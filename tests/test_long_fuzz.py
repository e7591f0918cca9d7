"""Any bytes parse or raise the one problem of their kind: a small form of `python3 -m tests.long fuzz`."""

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import HealthCheck, given, settings, strategies as some

from countersign.base.errors import NotACertificate, SealBroken
from countersign.pack.archive import read_pack
from countersign.trust.certificate import read_certificate
from tests.long.archives import PIECES, archive
from tests.long.targets import CORPUS, TARGETS, corpus
from tests.transfers import Couple

pytestmark = pytest.mark.once

_EXAMPLES = 60
_SECONDS = 5.0  # far more than any input needs, for a busy machine

EDITS = some.lists(
    some.tuples(
        some.integers(0, 1 << 16), some.sampled_from(["change", "insert", "remove", "cut"]), some.integers(0, 255)
    ),
    max_size=5,
)


def edited(seed: bytes, edits: list[tuple[int, str, int]]) -> bytes:
    data = bytearray(seed)
    for place, what, byte in edits:
        at = place % (len(data) + 1)
        if what == "insert":
            data.insert(at, byte)
        elif what == "cut":
            del data[at:]
        elif at < len(data):
            data[at : at + 1] = bytes([byte]) if what == "change" else b""
    return bytes(data)


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@pytest.mark.parametrize("name", TARGETS)
def test_whatever_is_changed_in_something_right(name: str) -> None:
    target = TARGETS[name]
    seeds = [*target.seeds(), *corpus(name)]
    for seed in seeds:
        target.run(seed)

    @settings(max_examples=_EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(some.sampled_from(seeds) | some.binary(max_size=300), EDITS)
    def fuzzed(seed: bytes, edits: list[tuple[int, str, int]]) -> None:
        began = time.monotonic()
        target.run(edited(seed, edits))
        assert time.monotonic() - began < _SECONDS

    fuzzed()


def test_the_corpus_belongs_to_targets_and_is_small() -> None:
    files = list(CORPUS.iterdir())
    assert files
    assert {file.stem for file in files} <= set(TARGETS)
    for file in files:
        assert file.stat().st_size < 40_000
        assert b"PRIVATE KEY" not in b"".join(corpus(file.stem))


def test_a_certificate_of_an_unknown_version_is_none(couple: Couple) -> None:
    """Found by the fuzzer: a receipt, or a file among the peers, could crash the program."""
    pem = couple.bob.device.identity.pem
    der = bytearray(base64.b64decode(b"".join(pem.splitlines()[1:-1])))
    at = der.index(b"\xa0\x03\x02\x01\x02")
    der[at + 4] = 16
    with pytest.raises(NotACertificate):
        read_certificate(bytes(der), "x")


def test_a_reason_that_is_no_text_is_a_broken_pack() -> None:
    """Found by the fuzzer: a peer's pack could crash the receiver instead of ending the transfer."""
    right = archive(PIECES[:1], withdrawn=[(1, "changed")])
    with pytest.raises(SealBroken):
        read_pack(memoryview(right.replace(b"changed", b"chang\xffd")), PIECES)
