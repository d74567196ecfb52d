"""Every station of the walks in CONTRIBUTING.md is a function that exists."""

import pytest
from walks import walks

WALKS = walks()


def test_there_are_three_walks_of_at_most_twelve_stations():
    assert [len(stations) <= 12 for stations in WALKS.values()] == [True] * 3


@pytest.mark.parametrize("station", [s for stations in WALKS.values() for s in stations], ids=str)
def test_a_station_is_a_function_of_that_module(station):
    assert station.function().__module__ == station.module
