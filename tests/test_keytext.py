"""The spoken key: alphabet, reading rules, and a check character that catches every single slip and every swap."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as some

from countersign.base.errors import BadCode, BadKey
from countersign.seal import code, keytext
from countersign.ui.presenters.key_entry import key_typed

FIFTEEN = some.lists(some.integers(0, 31), min_size=15, max_size=15)


@given(FIFTEEN)
def test_what_was_made_can_be_read_in_any_form(values: list[int]) -> None:
    key = keytext.with_check(values)
    for form in (key, key.lower(), keytext.grouped(key), keytext.grouped(key).lower().replace("-", " ")):
        assert keytext.parse_key(form) == key
    lookalike = key.replace("0", "o").replace("1", "l")
    assert keytext.parse_key(lookalike) == key
    assert keytext.parse_key(key.replace("1", "i")) == key


@given(FIFTEEN, some.integers(0, 15), some.integers(1, 31))
def test_every_single_wrong_character_is_caught(values: list[int], at: int, change: int) -> None:
    key = list(keytext.with_check(values))
    key[at] = keytext.ALPHABET[keytext.ALPHABET.index(key[at]) ^ change]
    with pytest.raises(BadKey):
        keytext.parse_key("".join(key))


@given(FIFTEEN, some.integers(0, 15), some.integers(0, 15))
def test_every_swap_of_two_different_characters_is_caught(values: list[int], one: int, other: int) -> None:
    key = list(keytext.with_check(values))
    if key[one] == key[other]:
        return
    key[one], key[other] = key[other], key[one]
    with pytest.raises(BadKey):
        keytext.parse_key("".join(key))


@pytest.mark.parametrize("typed", ["", "ABC", "U" * 16, "0" * 17, "0000-0000-0000-000!", "€" * 16, "１" * 16])
def test_what_no_key_can_be(typed: str) -> None:
    with pytest.raises(BadKey):
        keytext.parse_key(typed)


@given(some.text(max_size=40))
def test_any_text_parses_or_is_a_bad_key(typed: str) -> None:
    try:
        assert len(keytext.parse_key(typed)) == 16
    except BadKey:
        pass


def test_with_check_takes_fifteen_values_only() -> None:
    for values in ([0] * 14, [0] * 16, [32] * 15, [-1] * 15):
        with pytest.raises(ValueError, match="fifteen"):
            keytext.with_check(values)


def test_new_keys_differ() -> None:
    assert len({keytext.new_key() for _n in range(200)}) == 200


def test_spelling_has_a_word_for_every_character() -> None:
    assert set(keytext.SPELLING) == set(keytext.ALPHABET)
    assert keytext.spelled("K7XW0000") == "Kilo Seven X-ray Whiskey, Zero Zero Zero Zero"


@pytest.mark.parametrize("typed", ["1234", " 12 34 ", "12-34", "12.34"])
def test_the_code_is_read_in_any_form(typed: str) -> None:
    assert code.parse_code(typed) == "1234"


@pytest.mark.parametrize("typed", ["", "123", "12345", "12a4", "１２３４", "-1234-5"])
def test_n7_codes_that_are_not_four_digits(typed: str) -> None:
    with pytest.raises(BadCode):
        code.parse_code(typed)


def test_new_codes_are_four_digits_and_differ() -> None:
    codes = {code.new_code() for _n in range(400)}
    assert all(len(c) == 4 and c.isdigit() for c in codes)
    assert len(codes) > 300


def test_a_proof_belongs_to_one_code_one_connection_two_devices() -> None:
    facts = [b"r" * 32, b"s" * 32, b"a" * 32, b"b" * 32]
    proofs = {code.code_proof("1234", *facts), code.code_proof("1235", *facts)}
    for at in range(4):
        other = list(facts)
        other[at] = b"x" * 32
        proofs.add(code.code_proof("1234", *other))
    assert len(proofs) == 6
    assert code.same(code.code_proof("1234", *facts), code.code_proof("1234", *facts))


def test_the_window_groups_and_judges_a_key_while_it_is_typed() -> None:
    key = keytext.with_check([7] * 15)
    assert key_typed("").ready is False
    assert key_typed("abcde").value == "ABCD-E"
    assert key_typed("abcu").value == "ABC"
    assert key_typed(key.lower()).ready
    slip = key[:-1] + ("0" if key[-1] != "0" else "2")
    assert not key_typed(slip).ready
    assert not key_typed(key + "0").ready
