"""docs/PROTOCOL.md says what the code does: its tables are compared with the code. Also what every document must hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from countersign.base import errors, limits
from countersign.pack.manifest import EntryKind
from countersign.seal import keys
from countersign.seal.stream import Stream
from countersign.transfer.states import TABLE
from countersign.wire.messages import CAPS, CONTROL_TYPES, Kind, Role
from countersign.wire.stops import STOP_READS_AS, problem_of_stop, stop_code

ROOT = Path(__file__).resolve().parents[1]
PROTOCOL = (ROOT / "docs" / "PROTOCOL.md").read_text(encoding="utf-8")


def table(text: str, first_column: str) -> list[list[str]]:
    """The rows of the table whose header begins with this column."""
    lines = text.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(f"| {first_column} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    assert rows
    return rows


def test_the_message_table_is_the_code() -> None:
    rows = table(PROTOCOL, "type")
    found = {(int(number), name, body, int(cap)) for number, name, _who, body, cap, _meaning in rows}
    expected = {
        (kind.value, kind.name.lower(), "control" if kind in CONTROL_TYPES else "sealed", CAPS[kind]) for kind in Kind
    }
    assert found == expected


def test_who_may_say_what_is_the_state_table() -> None:
    for _number, name, who, *_rest in table(PROTOCOL, "type"):
        speakers = {role.value for (_state, role, kind) in TABLE.moves if kind.name.lower() == name}
        if name in ("waiting", "stop"):
            speakers = {role.value for role in Role}
        assert speakers == ({"sender", "receiver"} if who == "both" else {who}), name


def test_the_field_table_is_the_code() -> None:
    rows = dict(table(PROTOCOL, "message"))
    for kind, cls in CONTROL_TYPES.items():
        named = re.findall(r"`([a-z_]+)`", rows[kind.name.lower()].split(";")[0].split("one of")[0])
        assert set(named) == set(cls.__struct_fields__), kind


def test_the_state_table_is_the_code() -> None:
    found = {tuple(row) for row in table(PROTOCOL, "state")}
    expected = {
        (state.value, role.value, kind.name.lower(), after.value) for (state, role, kind), after in TABLE.moves.items()
    }
    assert found == expected


# units; what is said elsewhere in the page: caps of messages stand in the table of messages, and what a face reports is no protocol
NO_LIMITS = {"KIB", "MIB", "STATUS_SECONDS"}


def test_the_limits_are_the_code() -> None:
    rows = table(PROTOCOL, "name")
    for name, value, reason in rows:
        assert getattr(limits, name) == int(value), name
        assert reason
    listed = {name for name, _value, _reason in rows}
    caps = {name for name in vars(limits) if name.endswith("_CAP")} - listed
    assert caps <= {"CONTROL_CAP", "HELLO_CAP", "STOP_CAP", "SIGNED_CAP", "BATCH_CAP", "ANSWER_CAP", "PACK_CAP"}
    assert {name for name in vars(limits) if name.isupper()} - caps - NO_LIMITS == listed


def test_the_words_of_a_stop_are_listed() -> None:
    assert {word for word, _meaning in table(PROTOCOL, "stop word")} == set(STOP_READS_AS)


def test_streams_kinds_and_derivation_are_the_code() -> None:
    for stream in Stream:
        assert f"{stream.value} {stream.name.lower()}" in PROTOCOL
    assert "0 folder, 1 file, 2 executable file, 3 link" in PROTOCOL
    assert [kind.value for kind in EntryKind] == [0, 1, 2, 3]
    assert keys.SCRYPT_N == 1 << 17
    assert "N = 2^17, r = 8, p = 1" in PROTOCOL
    for label in keys.Label:
        assert f"`{label.value}`" in PROTOCOL


def test_every_problem_has_a_code_a_sentence_and_a_next_step() -> None:
    problems = errors.all_problems()
    assert len(problems) > 40
    for code, cls in problems.items():
        assert cls.code == code
        assert re.fullmatch(r"[a-z_]+", code)
        assert cls.sentence
        assert cls.next_step
        facts = dict.fromkeys(re.findall(r"{(\w+)}", cls.sentence + cls.next_step), "x")
        made = cls(**facts)
        assert "{" not in made.message + made.hint
        assert cls.exit_code in (2, 3, 4, 5, 6, 7, 8, 9)
    codes = [cls.code for cls in _subclasses(errors.Problem)]
    assert len(codes) == len(set(codes))


def _subclasses(cls: type[errors.Problem]) -> list[type[errors.Problem]]:
    return [found for sub in cls.__subclasses__() for found in (sub, *_subclasses(sub))]


def test_problems_cross_the_wire_and_come_back_as_problems() -> None:
    for cls in errors.all_problems().values():
        facts = dict.fromkeys(re.findall(r"{(\w+)}", cls.sentence + cls.next_step), "x")
        assert problem_of_stop(stop_code(cls(**facts))).message


DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / ".github").rglob("*.md")),
    ROOT / "benchmarks" / "README.md",
    ROOT / "tests" / "vectors" / "README.md",
]
CODE = re.compile(r"`([\w./-]+\.(?:py|md|toml|spec|po|yml))`")
ROOMS = (ROOT, ROOT / "countersign", ROOT / "tests", ROOT / "benchmarks")


@pytest.mark.parametrize("document", [*DOCUMENTS, ROOT / "LICENSE"], ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_are_there(document: Path) -> None:
    assert document.stat().st_size > 200


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_documents_name_are_there(document: Path) -> None:
    for name in CODE.findall(document.read_text(encoding="utf-8")):
        assert any((room / name).exists() for room in (*ROOMS, document.parent)), name


def test_the_looks_at_documents_find_something() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert "tests/test_wire.py" in CODE.findall(text)
    assert "](docs/PROTOCOL.md)" in text


def test_the_version_is_in_one_place_and_in_the_changelog() -> None:
    from countersign import __version__

    assert 'dynamic = ["version"]' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[{re.escape(__version__)}\] - \d{{4}}-\d\d-\d\d$", changelog, re.MULTILINE)
    sections = re.findall(r"^### (.*)$", changelog, re.MULTILINE)
    assert set(sections) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_linters_before_a_commit_are_those_before_landing() -> None:
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    landing = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    named = set(re.findall(r"entry: python3 tests/linters\.py (\w+)", hooks))
    assert named == set(re.findall(r'"\$venv/bin/(\w+)"', landing)) - {"coverage"}
