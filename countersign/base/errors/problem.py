"""The error family. Each problem that a person can meet is one class: a stable code, one sentence, one next step.

Our own bugs stay ordinary exceptions (`AssertionError`, `TypeError`) and are never turned into one of these.
A leaf: imports only the texts.
"""

from __future__ import annotations

from typing import ClassVar

from countersign.base.i18n import N_, _

EXIT_DONE = 0
EXIT_USAGE = 2
EXIT_UNREACHABLE = 3
EXIT_NOT_TRUSTED = 4
EXIT_CODE_REFUSED = 5
EXIT_DECLINED = 6
EXIT_INTERRUPTED = 7
EXIT_CONTENT_REFUSED = 8
EXIT_DISK = 9


class Problem(Exception):
    """Base of all problems that are told to a person. `facts` fill the braces of sentence and hint."""

    code: ClassVar[str] = "problem"
    exit_code: ClassVar[int] = EXIT_USAGE
    sentence: ClassVar[str] = N_("Something went wrong.")
    next_step: ClassVar[str] = N_("Try again.")

    def __init__(self, **facts: object) -> None:
        super().__init__(facts)
        self.facts = facts

    @property
    def message(self) -> str:
        """One plain sentence."""
        return _(self.sentence).format(**self.facts)

    @property
    def hint(self) -> str:
        """What to do next."""
        return _(self.next_step).format(**self.facts)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}"


class OwnBug(Problem):
    code = "bug"
    exit_code = EXIT_CONTENT_REFUSED
    sentence = N_("Countersign made a mistake of its own and had to stop.")
    next_step = N_(
        "Please report it with the file {file}; it holds no secrets. Then try again: what has arrived is kept."
    )


def all_problems() -> dict[str, type[Problem]]:
    """Every problem by its code."""
    found: dict[str, type[Problem]] = {}
    todo: list[type[Problem]] = [Problem]
    while todo:
        cls = todo.pop()
        found[cls.code] = cls
        todo.extend(cls.__subclasses__())
    return found
