"""The faults that `python3 -m tests.mutation` puts into the code: which there are, that each is one, and that the page names real ones."""

from __future__ import annotations

import ast
import importlib.util
from collections import Counter

import pytest

from tests.__main__ import ROOT
from tests.mutants import Mutant, mutants_of, mutated
from tests.mutation import explained_faults, fault_of

SAMPLE = '''"""A text."""
from __future__ import annotations
LABEL = b"ab"
Alias: TypeAlias = int | str

class Thing(Struct, frozen=True, strict=True):
    """Another."""
    size: Annotated[int, Meta(ge=0)]

    def check(self, most: int = 7) -> int | None:
        if self.ok and not most < 3:
            raise ValueError
        self.count += 1
        look(most)
        if self.late:
            return [x + 1 for x in self.all if x]
        return None
'''

EXPECTED = [
    ("", "LABEL = b'ab'", "LABEL = b'a'"),
    ("Thing", "strict=True", "strict=False"),
    ("Thing", "Meta(ge=0)", "Meta(ge=1)"),
    ("Thing.check", "self, most: int=7", "self, most: int=8"),
    ("Thing.check", "self.ok and (not most < 3)", "self.ok or not most < 3"),
    ("Thing.check", "not most < 3", "most < 3"),
    ("Thing.check", "most < 3", "most <= 3"),
    ("Thing.check", "most < 3", "most < 4"),
    ("Thing.check", "if self.ok and (not most < 3): raise ValueError", "nothing"),
    ("Thing.check", "self.count += 1", "nothing"),
    ("Thing.check", "self.count += 1", "self.count += 2"),
    ("Thing.check", "look(most)", "nothing"),
    ("Thing.check", "self.late", "not self.late"),
    ("Thing.check", "if self.late: return [x + 1 for x in self.all if x]", "nothing"),
    ("Thing.check", "x + 1", "x - 1"),
    ("Thing.check", "x + 1", "x + 2"),
    ("Thing.check", "x", "not x"),
]


def told(mutant: Mutant) -> tuple[str, str, str]:
    return mutant.function, mutant.before, mutant.after


def test_every_fault_is_found_once_and_texts_are_left_alone() -> None:
    assert [told(mutant) for mutant in mutants_of(SAMPLE)] == EXPECTED


def test_each_fault_is_just_one_change() -> None:
    whole = ast.unparse(ast.parse(SAMPLE))
    found = {ast.unparse(mutated(SAMPLE, mutant.number)) for mutant in mutants_of(SAMPLE)}
    assert len(found) == len(EXPECTED)
    assert whole not in found
    with pytest.raises(IndexError):
        mutated(SAMPLE, len(EXPECTED))


def test_what_runs_at_the_import_has_no_lines() -> None:
    lines = [mutant.lines for mutant in mutants_of(SAMPLE)]
    assert lines[:4] == [None] * 4
    assert lines[4:9] == [(11, 11)] * 4 + [(12, 12)]


def test_a_number_below_nought_is_shown_with_what_it_is_for() -> None:
    assert [told(mutant)[1:] for mutant in mutants_of("last = -1\nlook(bits[-1])")] == [
        ("last = -1", "last = -2"),
        ("look(bits[-1])", "nothing"),
        ("bits[-1]", "bits[-2]"),
    ]


def test_the_page_explains_faults_that_there_are_and_each_by_itself() -> None:
    """A change of the code must not leave an excuse behind that covers another fault."""
    excuses, there = explained_faults(), Counter[tuple[str, ...]]()
    for path in sorted((ROOT / "countersign").rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if any(fault[0] == name for fault in excuses):
            there.update(fault_of(name, mutant) for mutant in mutants_of(path.read_text(encoding="utf-8")))
    assert {fault: there[fault] for fault in excuses} == dict.fromkeys(excuses, 1)
    assert excuses


def test_a_module_is_imported_with_its_fault() -> None:
    from tests.mutation_child import Faulty

    path = ROOT / "countersign" / "trust" / "fingerprint.py"
    [number] = [mutant.number for mutant in mutants_of(path.read_text()) if mutant.after == "SHOWN = 21"]
    spec = Faulty(path, number).find_spec("countersign.trust.fingerprint")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.SHOWN == 21
    assert Faulty(path, number).find_spec("countersign.trust.peers") is None
