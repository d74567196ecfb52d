"""What the ranking says of seeds that agree, and of changes that make a training diverge."""

import io
import sys
from pathlib import Path

import making
import pytest
from rich.console import Console

sys.path.append(str(Path(__file__).parents[2] / "scripts"))

import report_samples as samples

from sweep.analysis import rank
from sweep.domain.axis import Axis, Cell, Level
from sweep.domain.json_form import to_object
from sweep.domain.target import Mode, Target
from sweep.domain.verdict import Verdict
from sweep.report import build_document
from sweep.report.documents import read_ranking
from sweep.report.html import render_html
from sweep.report.markdown import render_markdown
from sweep.report.terminal import render_ranking

TARGET = Target(metric="val/acc", mode=Mode.MAX, threshold=0.9, hold=3, budget_steps=600, stop_early=True)
LR = (Axis(name="lr", levels=tuple(Level(name=n, overrides=(f"task.lr={n}",)) for n in ("huge", "low"))),)


def outcomes_of(**verdicts):
    """Return the trials of cells, `base` or a level of lr, each with a string of its seeds' verdicts: d, s, n, c."""
    words = {"d": Verdict.DIVERGED, "s": Verdict.STALLED, "n": Verdict.NOT_CONVERGED, "c": Verdict.CONVERGED}
    found = []
    for level, seeds in verdicts.items():
        cell = Cell() if level == "base" else Cell.of([f"lr={level}"])
        for seed, letter in enumerate(seeds):
            tau = 100 if letter == "c" else None
            found.append(
                making.outcome(number=len(found), cell=cell, seed=seed, verdict=words[letter], tau=tau, steps=600)
            )
    return found


def effect_of(level, **verdicts):
    return next(e for e in rank(outcomes_of(**verdicts), LR, TARGET).effects if e.toggle.level == level)


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ("sssss", "(0 of 5 seeds; all stalled)"),
        ("ddddd", "(0 of 5 seeds; all diverged)"),
        ("nnnnn", "(0 of 5 seeds)"),
        ("dddss", "(0 of 5 seeds; 3 diverged, 2 stalled)"),
        ("ssnnn", "(0 of 5 seeds; 3 not converged, 2 stalled)"),
        ("ccddd", "(2 of 5 seeds; 3 diverged)"),
        ("s", "(0 of 1 seed; stalled)"),
    ],
)
def test_the_answer_says_how_the_bases_seeds_missed(base, said):
    assert rank(outcomes_of(base=base), (), TARGET).answer == f"The base does not converge {said}."


def test_a_toggle_that_makes_a_stalled_base_diverge_says_so():
    effect = effect_of("huge", base="ssss", huge="dddd", low="ssss")
    assert (effect.makes_diverge, effect.diverged) == (True, 4)
    assert effect.note == "makes it diverge (4 of 4 seeds, the base 0 of 4)"
    assert rank(outcomes_of(base="ssss", huge="dddd", low="ssss"), LR, TARGET).answer.endswith(
        "lr=huge makes it diverge."
    )


def test_where_the_base_converges_a_break_by_divergence_says_so():
    effect = effect_of("huge", base="ccccccc", huge="ddddddd")
    assert effect.note == "breaks convergence; makes it diverge (7 of 7 seeds, the base 0 of 7)"


def test_two_seeds_only_tell_that_it_diverges():
    effect = effect_of("huge", base="ss", huge="dd")
    assert not effect.makes_diverge
    assert effect.note == "diverges (2 of 2 seeds, the base 0 of 2)"


@pytest.mark.parametrize("verdicts", [{"base": "dddd", "huge": "dddd"}, {"base": "ssss", "huge": "sssd"}])
def test_divergence_that_the_base_shares_or_few_seeds_show_is_not_put_down_to_the_toggle(verdicts):
    effect = effect_of("huge", **verdicts)
    assert not effect.makes_diverge
    assert effect.note == ""


def test_trials_that_diverged_are_counted_where_there_is_no_base_to_compare_them_with():
    effect = effect_of("huge", huge="dddd", low="ssss")
    assert (effect.sufficiency.trials, effect.diverged, effect.makes_diverge) == (4, 4, False)


@pytest.fixture(scope="module")
def diverging():
    """A study whose base stalls and one toggle of which diverges."""
    return samples.study(
        samples.REGULARIZATION,
        "one_at_a_time",
        lambda cell, _seed: "diverged" if cell.key == "dropout=off" else "stalled",
    )


def test_every_report_has_it_in_the_toggles_row(diverging):
    summary = build_document(diverging)
    toggle = next(t for t in summary.toggles if t.toggle == "dropout=off")
    assert (toggle.status, toggle.word, toggle.diverged) == ("no_effect", "makes it diverge", 5)
    console = Console(file=io.StringIO(), width=80)
    console.print(render_ranking(summary))
    rows = [line for text in (console.file.getvalue(), render_markdown(summary)) for line in text.splitlines()]
    told = [line for line in rows if "dropout=off" in line and "0/5" in line]
    assert len(told) == 2
    assert all("makes it diverge" in line for line in told)
    assert '<span class="status st-harms">makes it diverge</span>' in render_html(diverging, summary)


def test_a_summary_of_an_earlier_version_is_printed(diverging):
    summary = to_object(build_document(diverging))
    for toggle in summary["toggles"]:
        del toggle["makes_diverge"], toggle["diverged"]
    console = Console(file=io.StringIO(), width=120)
    console.print(render_ranking(read_ranking(summary)))
    assert "dropout=off" in console.file.getvalue()
