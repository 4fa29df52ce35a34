"""The page about cost and scale is what the code's own numbers make of it."""

from local.bench.cost_page import FLEETS, PAGE, batches, discovery_pages, page, runs_a_day


def test_the_page_is_the_one_the_code_writes() -> None:
    assert PAGE.read_text() == page(), "run: python -m local.bench.cost_page"


def test_runs_of_a_schedule_are_counted() -> None:
    assert runs_a_day("0 */5 * * * *") == 288
    assert runs_a_day("30 0 7 * * *") == 1


def test_requests_of_a_screening_grow_with_the_pools_and_not_with_their_nodes() -> None:
    small, medium, large = FLEETS
    assert (batches(small), discovery_pages(small)) == (1, 5)
    assert (batches(medium), discovery_pages(medium)) == (24, 5)
    assert batches(large._replace(nodes_a_pool=40)) == batches(large)
