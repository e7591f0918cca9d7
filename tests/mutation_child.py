"""What the forked processes of `tests.mutation` do: run chosen tests, with one fault in one module, or to learn what they reach."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

import coverage
import hypothesis
import pytest

from tests.__main__ import ROOT
from tests.mutants import mutated

_QUIET = (
    "-q", "-x", "--no-header", "--no-summary", "--tb=no", "-p", "no:xdist", "-p", "no:faulthandler", "-m", "not window",
    "-k", "not very_many and not both_apps",  # a busy machine fails these without any fault
    "-W", "ignore::pytest.PytestAssertRewriteWarning",
)  # fmt: skip
_PROFILE = "mutation"


class Faulty(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds one module of ours, with one fault in it."""

    def __init__(self, path: Path, number: int) -> None:
        self.name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        self._path = path
        self._number = number

    def find_spec(
        self, name: str, _path: object = None, _target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self.name:
            return None
        return importlib.util.spec_from_file_location(name, self._path, loader=self)

    def create_module(self, _spec: importlib.machinery.ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        tree = mutated(self._path.read_text(encoding="utf-8"), self._number)
        exec(compile(tree, str(self._path), "exec"), module.__dict__)


class Chosen:
    """Leaves the chosen tests, in their order."""

    def __init__(self, tests: Sequence[str]) -> None:
        self._at = {test: at for at, test in enumerate(tests)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted((i for i in items if i.nodeid in self._at), key=lambda item: self._at[item.nodeid])


class Watching:
    """Says to the coverage which test is running, and keeps how long each took."""

    def __init__(self, watch: coverage.Coverage) -> None:
        self.seconds: dict[str, float] = {}
        self._watch = watch

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._watch.switch_context(item.nodeid)
        try:
            return (yield)
        finally:
            self._watch.switch_context("")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not report.skipped:
            self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0.0) + report.duration


def attempt(path: Path, number: int, tests: Sequence[str], scratch: Path) -> int:
    """Runs the tests against a module with one fault; gives pytest's exit code. Nothing is printed."""
    _begin()
    sys.meta_path.insert(0, Faulty(path, number))
    files = sorted({test.partition("::")[0] for test in tests})
    return _pytest(files, [Chosen(tests)], scratch)


def learn(files: list[str], out: Path, scratch: Path) -> int:
    """Runs all tests of these files and writes which lines each reaches, and its seconds; gives pytest's exit code."""
    _begin()
    watch = coverage.Coverage(
        data_file=None, config_file=False, source=[str(ROOT / "countersign")], concurrency=["thread"]
    )
    watching = Watching(watch)
    watch.start()
    code = _pytest(files, [watching], scratch)
    watch.stop()
    data = watch.get_data()
    lines: dict[str, dict[int, list[str]]] = {}
    for path in data.measured_files():
        found = data.contexts_by_lineno(path)
        name = str(Path(path).relative_to(ROOT))
        lines[name] = {line: [t for t in tests if t in watching.seconds] for line, tests in found.items()}
    out.write_text(json.dumps({"lines": lines, "seconds": watching.seconds}))
    return code


def _begin() -> None:
    """Silent, with nothing of ours imported, and the same examples every time; an example that fails is not made smaller."""
    os.chdir(ROOT)
    with open(os.devnull, "r+b") as nothing:
        for stream in (0, 1, 2):
            os.dup2(nothing.fileno(), stream)
    for name in [name for name in sys.modules if name.split(".")[0] in ("countersign", "tests") and name != "tests"]:
        del sys.modules[name]
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    hypothesis.settings.register_profile(
        _PROFILE,
        derandomize=True,
        database=None,
        deadline=None,
        phases=phases,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    hypothesis.settings.load_profile(_PROFILE)


def _pytest(files: list[str], plugins: list[object], scratch: Path) -> int:
    try:
        return int(pytest.main([*_QUIET, f"--basetemp={scratch}", *files], plugins=plugins))
    except BaseException:
        return 2  # the fault is felt in the import, or in pytest itself
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
