"""Values reach a query as bound strings; no text breaks out of them."""

import duckdb_kql
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.collect.kql import query

CON = duckdb_kql.connect()


def bound(value: str) -> str:
    text = query("image_events", node_prefix=value).split("\n// Every")[0]
    ((found,),) = duckdb_kql.query(CON, text + "\nprint node_prefix").fetchall()
    return str(found)


@pytest.mark.parametrize("value", ["aks-apps", '" or 1==1 //', "back\\slash", "a\nb", "'", '\\"'])
def test_a_hostile_value_stays_a_value(value: str) -> None:
    assert bound(value) == value


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), max_size=40))
def test_any_text_stays_that_text(value: str) -> None:
    assert bound(value) == value
