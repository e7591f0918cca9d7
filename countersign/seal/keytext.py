"""The 16-character key: fifteen random characters of Crockford's base32 and one check character.

Alphabet and reading rules: https://www.crockford.com/base32.html. The check character is ours: Crockford's own needs
five more symbols, which are hard to read aloud.
"""

from __future__ import annotations

import secrets

from countersign.base.errors import BadKey
from countersign.base.i18n import N_, _

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 16
GROUP = 4

_READ_AS = {**{c: i for i, c in enumerate(ALPHABET)}, "O": 0, "I": 1, "L": 1}
_IGNORED = frozenset(" -\t\r\n\u00a0\u2010\u2011\u2012\u2013\u2014")
_FIELD = 0b100101  # x^5 + x^2 + 1, irreducible and primitive over GF(2)

# The words of the ICAO radio alphabet, and plain numbers.
SPELLING = {
    "A": "Alfa", "B": "Bravo", "C": "Charlie", "D": "Delta", "E": "Echo", "F": "Foxtrot", "G": "Golf", "H": "Hotel",
    "J": "Juliett", "K": "Kilo", "M": "Mike", "N": "November", "P": "Papa", "Q": "Quebec", "R": "Romeo", "S": "Sierra",
    "T": "Tango", "V": "Victor", "W": "Whiskey", "X": "X-ray", "Y": "Yankee", "Z": "Zulu",
    "0": N_("Zero"), "1": N_("One"), "2": N_("Two"), "3": N_("Three"), "4": N_("Four"),
    "5": N_("Five"), "6": N_("Six"), "7": N_("Seven"), "8": N_("Eight"), "9": N_("Nine"),
}  # fmt: skip


def _double(value: int) -> int:
    value <<= 1
    return value ^ _FIELD if value & 0b100000 else value


def _multiply(a: int, b: int) -> int:
    product = 0
    while b:
        if b & 1:
            product ^= a
        a, b = _double(a), b >> 1
    return product


def _powers_of_two(count: int) -> list[int]:
    powers = [1]
    while len(powers) < count:
        powers.append(_double(powers[-1]))
    return powers


_WEIGHTS = _powers_of_two(LENGTH)
_LAST_INVERSE = next(x for x in range(1, 32) if _multiply(x, _WEIGHTS[-1]) == 1)


def _weighted_sum(values: list[int]) -> int:
    total = 0
    for weight, value in zip(_WEIGHTS, values, strict=False):
        total ^= _multiply(weight, value)
    return total


def with_check(fifteen: list[int]) -> str:
    """The 16-character key whose first fifteen characters have these values (0 to 31 each)."""
    if len(fifteen) != LENGTH - 1 or not all(0 <= v < 32 for v in fifteen):
        raise ValueError("fifteen values of five bits")
    check = _multiply(_weighted_sum(fifteen), _LAST_INVERSE)
    return "".join(ALPHABET[v] for v in [*fifteen, check])


def new_key() -> str:
    """A random key, 75 bits, without hyphens."""
    return with_check([secrets.randbelow(32) for _i in range(LENGTH - 1)])


def normalise(typed: str) -> str:
    """The typed text in capitals, with look-alikes replaced and fillers dropped. May be too short or too long.

    Raises BadKey for a character outside the alphabet.
    """
    out = []
    for char in typed.upper():
        if char in _IGNORED:
            continue
        value = _READ_AS.get(char)
        if value is None:
            raise BadKey
        out.append(ALPHABET[value])
    return "".join(out)


def parse_key(typed: str) -> str:
    """The typed key as sixteen characters of the alphabet. Raises BadKey for any typing error."""
    key = normalise(typed)
    if len(key) != LENGTH or _weighted_sum([_READ_AS[c] for c in key]) != 0:
        raise BadKey
    return key


def grouped(key: str) -> str:
    """`XXXX-XXXX-XXXX-XXXX`, the form shown to people."""
    return "-".join(key[i : i + GROUP] for i in range(0, len(key), GROUP))


def spelled(key: str) -> str:
    """The key in words, for reading aloud; commas separate the groups."""
    groups = [key[i : i + GROUP] for i in range(0, len(key), GROUP)]
    return ", ".join(" ".join(_(SPELLING[c]) for c in group) for group in groups)
