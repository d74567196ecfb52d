"""What the monitor saw, beside a ranking or a trial."""

import pytest

from sweep.domain.verdict import Symptom
from sweep.report.symptom_text import brief_lines, described, fix_text, full_lines

FROZEN = described(Symptom(rule="no_gradient", step=1, value=0.0, threshold=0.0, message="features.0.weight"), ())


@pytest.mark.parametrize("lines", [brief_lines, full_lines])
def test_only_of_a_run_that_does_not_converge_is_the_code_to_be_fixed(lines):
    def label(*, converges):
        (table,) = lines([FROZEN], converges=converges)
        return " ".join(str(cell) for cell in table.columns[1].cells)

    assert FROZEN.fix
    assert "fix the code" in label(converges=False)
    assert "fix the code" not in label(converges=True)
    assert "not intended" in label(converges=True)


def test_a_sentence_on_a_base_that_converges_names_no_fault():
    assert "fix the code" in fix_text(FROZEN, converges=False)
    assert "fix the code" not in fix_text(FROZEN, converges=True)
