"""Salts: as long as the protocol says, and never the same."""

from __future__ import annotations

from countersign.seal.keys import new_salt


def test_salts_have_sixteen_bytes_and_differ() -> None:
    made = {new_salt() for _n in range(100)}
    assert len(made) == 100
    assert {len(salt) for salt in made} == {16}
