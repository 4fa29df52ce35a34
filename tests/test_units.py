"""Numbers as people read them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import units


@pytest.mark.parametrize(("seconds", "shown"), [
    (None, "unknown"), (0, "0 s"), (0.4, "0.4 s"), (4.25, "4.2 s"), (9.96, "10 s"), (41, "41 s"), (59.6, "1 min"),
    (60, "1 min"), (252, "4 min 12 s"), (3600, "1 h"), (7500, "2 h 5 min"), (172_800, "2 d"), (190_800, "2 d 5 h"),
])
def test_a_duration_is_said_in_at_most_two_units(seconds, shown):
    assert units.duration(seconds) == shown


@given(st.floats(0, 1e6))
def test_no_duration_shows_sixty_of_anything(seconds):
    assert "60 " not in units.duration(seconds)


@pytest.mark.parametrize(("value", "shown"), [
    (None, "unknown"), (0, "0"), (0.25, "0.25"), (12.54, "12.5"), (34, "34"), (999.6, "1,000"), (12_400, "12,400"),
])
def test_a_number_separates_thousands_and_keeps_three_digits(value, shown):
    assert units.number(value) == shown


@pytest.mark.parametrize(("count", "shown"), [(None, "pulls unknown"), (0, "0 pulls"), (1, "1 pull"), (1240, "1,240 pulls")])
def test_a_count_has_its_noun(count, shown):
    assert units.counted(count, "pull") == shown


@pytest.mark.parametrize(("fraction", "shown"), [
    (None, "unknown"), (0.0, "0 %"), (0.002, "1 %"), (0.94, "94 %"), (0.999, "99 %"), (1.0, "100 %"),
])
def test_a_percentage_is_never_rounded_to_certainty(fraction, shown):
    assert units.percent(fraction) == shown


@pytest.mark.parametrize(("value", "unit", "shown"), [
    (96e6, "BytesPerSecond", "96 MB/s"), (1.2e9, "Bytes", "1.2 GB"), (812, "Bytes", "812 B"), (100, "Percent", "100 %"),
    (34, "Count", "34"), (2300, "IOPS", "2,300 IOPS"), (12, "MilliSeconds", "12 ms"), (75, "Seconds", "1 min 15 s"),
    (None, "Percent", "unknown"), (3, "CountPerSecond", "3/s"),
])
def test_a_quantity_carries_its_unit(value, unit, shown):
    assert units.quantity(value, unit) == shown


def test_a_factor_keeps_a_digit_while_it_is_small():
    assert (units.times(2.46), units.times(6.15), units.times(1200)) == ("2.5 ×", "6 ×", "1,200 ×")


def test_a_moment_is_given_with_its_day_and_zone():
    assert units.clock(datetime(2026, 11, 24, 10, 42, tzinfo=UTC)) == "2026-11-24 10:42 UTC"


def test_a_sparkline_stands_between_zero_and_the_limit():
    assert units.sparkline([0, 25, 50, 100], top=100) == "▁▃▅█"


def test_a_sparkline_shows_a_gap_where_nothing_was_measured():
    assert units.sparkline([100, None, 100]) == "█·█"
    assert units.sparkline([None, None]) == ""


def test_a_sparkline_keeps_a_short_peak_of_a_long_series():
    assert "█" in units.sparkline([1.0] * 500 + [100.0] + [1.0] * 500)


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e9)), max_size=200), st.integers(1, 40))
def test_a_sparkline_is_never_longer_than_its_width(values, width):
    assert len(units.sparkline(values, width=width)) <= width


@pytest.mark.parametrize(("seconds", "said"), [(None, "unknown"), (0.4, "0.4 s"), (6.1, "6 s"), (54.6, "55 s"), (131.0, "2 min 10 s"), (1210.0, "20 min")])
def test_a_prediction_is_told_no_finer_than_it_is(seconds, said):
    assert units.about(seconds) == said


@pytest.mark.parametrize(("value", "said"), [(None, "unknown"), (0.22, "0.2"), (2.25, "2.2"), (38.4, "38"), (1240.4, "1,240")])
def test_a_measured_value_is_told_in_digits_that_mean_something(value, said):
    assert units.rough(value) == said


def test_bits_a_second_have_their_own_unit():
    assert (units.bit_rate(250e6), units.bit_rate(30e9), units.bit_rate(None)) == ("250 Mbit/s", "30 Gbit/s", "unknown")
