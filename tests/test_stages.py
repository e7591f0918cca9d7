"""Results of several threads come out in order, and a waiting thread is woken when the stage closes."""

from __future__ import annotations

import threading

from countersign.session.stages import OrderedStage
from tests.waiting import wait_until

LONG = 300.0  # seconds: far longer than a test may take


def test_results_come_in_the_order_of_their_jobs() -> None:
    first = threading.Event()

    def work(job: int) -> int:
        if job == 0:
            assert first.wait(20)
        return job * 10

    stage: OrderedStage[int, int] = OrderedStage(lambda: work, "work", workers=2)
    stage.put(0)
    stage.put(1)
    assert stage.get(0.0) is None
    first.set()
    assert [stage.get(20), stage.get(20)] == [0, 10]
    stage.close()


def test_whoever_waits_for_a_result_is_woken_when_the_stage_closes() -> None:
    """Without this, every small transfer took a tenth of a second longer."""
    stage: OrderedStage[int, int] = OrderedStage(lambda: lambda job: job, "work")
    taken: list[int | None] = []
    waiting = threading.Thread(target=lambda: taken.append(stage.get(LONG)), daemon=True)
    waiting.start()
    stage.close()
    waiting.join(20)
    assert taken == [None]


def test_a_stage_that_is_full_says_so_and_has_room_again() -> None:
    stage: OrderedStage[int, int] = OrderedStage(lambda: lambda job: job, "work", depth=2)
    stage.put(1)
    stage.put(2)
    assert stage.full
    assert not stage.wait_for_room(0.0)
    assert stage.get(20) == 1
    assert stage.wait_for_room(20)
    stage.close()


def test_what_a_worker_raises_is_raised_where_it_is_waited_for() -> None:
    def work(_job: int) -> int:
        raise ValueError("broken")

    stage: OrderedStage[int, int] = OrderedStage(lambda: work, "work")
    stage.put(1)
    errors: list[ValueError] = []

    def look() -> bool:
        try:
            stage.wait_for_room(0.0)
        except ValueError as error:
            errors.append(error)
        return bool(errors)

    wait_until(look, 20, "the error")
    stage.close()
