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
        "assert not [name for name in sys.modules if 'tkinter' in name or 'sv_ttk' in name], 'a window was loaded'\n"
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
