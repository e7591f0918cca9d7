"""The disk classes of both systems have the same methods with the same parameters, so one can replace the other."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

DISK = Path(__file__).resolve().parents[1] / "countersign" / "disk"


def methods(module: str, name: str) -> dict[str, list[str]]:
    """The public methods of a class, with their parameter names. The Windows module cannot be imported here."""
    tree = ast.parse((DISK / f"{module}.py").read_text(encoding="utf-8"))
    (found,) = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name]
    return {
        part.name: [one.arg for one in (*part.args.args, *part.args.kwonlyargs)]
        for part in found.body
        if isinstance(part, ast.FunctionDef) and not part.name.startswith("_")
    }


@pytest.mark.parametrize("name", ["File", "Folder"])
def test_both_disks_offer_the_same(name: str) -> None:
    posix, windows = methods("posix", name), methods("windows", name)
    assert posix.keys() == windows.keys() - {"close", "closed"}, "POSIX inherits these two from Handle"
    for method, parameters in posix.items():
        assert parameters == windows[method], method


@pytest.mark.parametrize("name", ["allow_many_handles", "is_link", "remove_tree"])
def test_both_disks_have_the_same_functions(name: str) -> None:
    for module in ("posix", "windows"):
        tree = ast.parse((DISK / f"{module}.py").read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, module
