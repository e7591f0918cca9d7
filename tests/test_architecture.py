"""The rules that keep the program readable: imports go downwards, every module states its rule, nothing is left half-done."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from countersign.places import home

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted((ROOT / "countersign").rglob("*.py"))


def test_imports_go_downwards() -> None:
    from importlinter.cli import lint_imports

    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == 0


@pytest.mark.parametrize("role", ["sender", "receiver"])
def test_the_terminal_never_loads_a_window(role: str, tmp_path: Path) -> None:
    code = (
        "import sys; from countersign.app import main\n"
        f"code = main({role!r}, ['--cli', '--to', '1.2.3'] if {role!r} == 'sender' else ['--cli', '--port', 'x'])\n"
        "assert code == 2\n"
        "import countersign.cli.terminal, countersign.selftest, countersign.cli.commands, countersign.ui.presenters.sender\n"
        "import countersign.ui.presenters.receiver\n"
        "assert not [name for name in sys.modules if 'tkinter' in name], 'a window was loaded'\n"
    )
    environment = {**os.environ, home.VARIABLE: str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_opens_with_its_rule(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_error_is_swallowed(module: Path) -> None:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"{module}:{node.lineno}: a bare except"
            if all(isinstance(part, ast.Pass) for part in node.body):
                named = ast.unparse(node.type)
                assert named not in ("Exception", "BaseException"), f"{module}:{node.lineno}"


def test_tests_wait_for_conditions_and_never_just_sleep() -> None:
    for path in (ROOT / "tests").rglob("*.py"):
        if path.name != "waiting.py":
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                assert not re.search(r"\bsleep\((?!0\))", line) or "re.search" in line, f"{path.name}:{number}"


def test_the_tree_holds_no_keys_and_no_machines_paths() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split(
        "\n"
    )
    if not any(listed):
        pytest.skip("not a checkout")
    for name in filter(None, listed):
        assert not name.endswith((".pem", ".key", ".pyc", ".exe")), name


def test_pins_have_hashes_and_name_no_host() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text()
        pins = re.findall(r"^[a-z].*==", text, re.MULTILINE)
        assert pins
        assert text.count("--hash=sha256:") >= len(pins)
        assert "http" not in text
        assert "index" not in text


# --- sizes -----------------------------------------------------------------------------------------------------------

MOST_REASSIGNED = 6  # attributes of self: a class that changes more of them after it was made is two
MOST_LINES = 400
_MAKERS = {"__init__", "__post_init__", "__new__"}


def reassigned(owner: ast.ClassDef) -> set[str]:
    """The attributes of self that a class sets outside of what makes it, those of classes inside it left out."""
    found: set[str] = set()
    todo: list[ast.AST] = [node for node in owner.body if getattr(node, "name", "") not in _MAKERS]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.ClassDef):
            continue
        todo += ast.iter_child_nodes(node)
        if isinstance(node, ast.Attribute) and isinstance(
            node.ctx, ast.Store
        ):  # plain, augmented, in tuples, for, with
            if isinstance(node.value, ast.Name) and node.value.id == "self":
                found.add(node.attr)
    return found


def test_no_class_changes_more_of_itself_than_a_reader_can_follow() -> None:
    more: set[tuple[str, str]] = set()
    for module in MODULES:
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and len(reassigned(node)) > MOST_REASSIGNED:
                more.add((module.relative_to(ROOT / "countersign").as_posix(), node.name))
    assert not more, "split these"


def test_the_look_for_reassigned_attributes_finds_all_kinds() -> None:
    text = (
        "class A:\n"
        "    def __init__(self):\n        self.made = 1\n"
        "    def act(self):\n"
        "        self.plain = self.read\n        self.more += 1\n        self.one, (self.two, *self.rest) = x\n"
        "        self.noted: int = 1\n        other.thing = 1\n        self.deep.thing = 1\n"
        "        for self.each in x:\n            pass\n"
        "        with x as self.open:\n            pass\n"
        "        def inner():\n            self.late = 1\n"
        "    class B:\n        def act(self):\n            self.others = 1\n"
    )
    [owner] = ast.parse(text).body
    assert isinstance(owner, ast.ClassDef)
    assert reassigned(owner) == {"plain", "more", "one", "two", "rest", "noted", "each", "open", "late"}


def test_no_file_is_longer_than_it_should_be() -> None:
    files = [path for room in ("countersign", "tests", "benchmarks", "release") for path in (ROOT / room).rglob("*.py")]
    long = {
        path.relative_to(ROOT).as_posix()
        for path in files
        if len(path.read_text(encoding="utf-8").splitlines()) > MOST_LINES
    }
    assert not long, "split these"
