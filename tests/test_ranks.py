"""Percentiles by nearest rank."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ranks import nearest_rank


@pytest.mark.parametrize(("percent", "value"), [(0, 15), (5, 15), (30, 20), (40, 20), (50, 35), (95, 50), (100, 50)])
def test_the_textbook_example(percent: int, value: int) -> None:
    """Ranks 1, 1, 2, 2, 3, 5, 5 of five values."""
    assert nearest_rank([15, 20, 35, 40, 50], percent) == value


def test_nothing_has_no_percentile() -> None:
    assert nearest_rank([], 95) is None


@given(st.lists(st.integers(), min_size=1), st.integers(min_value=1, max_value=100))
def test_it_is_a_value_that_at_least_so_many_percent_do_not_exceed_and_no_lower_one_is(values: list[int], percent: int) -> None:
    found = nearest_rank(sorted(values), percent)
    assert found is not None
    assert 100 * sum(v <= found for v in values) >= percent * len(values)
    assert 100 * sum(v < found for v in values) < percent * len(values)
