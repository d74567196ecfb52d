"""One figure is written one way, wherever it stands."""

import pytest

from sweep.domain.metric_names import natural
from sweep.domain.plural import figure_text
from sweep.report.phrases import number_text, verdicts_text


@pytest.mark.parametrize(
    ("value", "text"),
    [(100.0, "100"), (0.22, "0.22"), (0.0031622, "0.0032"), (1e-5, "1e-05"), (123456.0, "120,000"), (7.0, "7")],
)
def test_a_rate_has_no_exponent_where_a_reader_would_write_none(value, text):
    assert figure_text(value, 2) == text


def test_large_numbers_have_separators_and_no_exponent():
    assert [number_text(value) for value in (12345.6, 8000, 1234567.0, 0.12345)] == [
        "12,346",
        "8,000",
        "1.235e+06",
        "0.1235",
    ]
    assert verdicts_text({"converged": 8000}) == "8,000 converged"


def test_names_with_numbers_are_sorted_by_them():
    names = ["l10", "l2", "l1", "l100", "l11", "a", "l02", "b2c10", "b2c9"]
    assert sorted(names, key=natural) == ["a", "b2c9", "b2c10", "l1", "l02", "l2", "l10", "l11", "l100"]
