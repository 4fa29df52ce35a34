"""Which numbers of a column count, and what several columns come to."""

from math import inf, nan

import pytest

from shared.diagnose.believable import all_believable, highest_of_each


@pytest.mark.parametrize("values", [(1.0, 2.0, 3.0), (0.0, 0.0), (None, 0.0, 5.0, None), (None, None), (100.0,)])
def test_measured_values_and_gaps_are_believable(values: tuple[float | None, ...]) -> None:
    assert all_believable(values, 100.0)


@pytest.mark.parametrize("absurd", [nan, -1.0, inf, -inf, 100.1])
@pytest.mark.parametrize("place", range(4))
def test_one_absurd_value_anywhere_is_seen(absurd: float, place: int) -> None:
    values: list[float | None] = [5.0, 90.0, 7.0, None]
    values.insert(place, absurd)
    assert not all_believable(values, 100.0)


@pytest.mark.parametrize(("columns", "highest"), [
    ([], []), ([()], []), ([(1.0, None)], [1.0, None]), ([(1.0, 5.0), (), (2.0, 3.0)], [2.0, 5.0]),
    ([(1.0, None, None), (2.0, 3.0, None)], [2.0, 3.0, None]), ([(0.0, None), (None, 0.0)], [0.0, 0.0]),
])
def test_the_highest_of_each_minute_is_of_what_was_measured(columns: list[tuple[float | None, ...]], highest: list[float | None]) -> None:
    assert highest_of_each(columns) == highest
