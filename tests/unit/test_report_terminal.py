import io
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

sys.path.append(str(Path(__file__).parents[2] / "scripts"))

import report_samples as samples

from sweep.domain.failure import shown_failure
from sweep.report import build_document
from sweep.report.markdown import render_markdown
from sweep.report.phrases import verdicts_text
from sweep.report.staged import StagedDocument, StageDocument
from sweep.report.terminal import render_document, render_ranking, toggle_notes


def printed(renderable, width=80, **options):
    console = Console(file=io.StringIO(), width=width, **options)
    console.print(renderable)
    return console.file.getvalue()


@pytest.fixture(scope="module")
def summaries():
    return {name: build_document(make()) for name, make in samples.SAMPLES.items()}


@pytest.mark.parametrize("name", samples.SAMPLES)
@pytest.mark.parametrize("width", [80, 120])
def test_every_line_fits_the_terminal_and_no_figure_is_cut(summaries, name, width):
    text = printed(render_ranking(summaries[name]), width)
    assert max(cell_len(line) for line in text.splitlines()) <= width
    assert "…" not in text
    for toggle in summaries[name].toggles:
        assert f"{toggle.converged}/{toggle.trials}" in text


@pytest.mark.parametrize("width", [40, 49, 50, 69, 70])
def test_names_of_changes_stay_whole_however_narrow_the_terminal(summaries, width):
    summary = summaries["three_axes"]
    short = tuple(replace(toggle, toggle=f"w=l{n}", more_seeds=3) for n, toggle in enumerate(summary.toggles))
    text = printed(render_ranking(replace(summary, toggles=short)), width)
    rows = [line.split() for line in text.splitlines()]
    for toggle in short:
        assert any(toggle.toggle in row for row in rows)
        assert f"{toggle.converged}/{toggle.trials}" in text


def test_text_that_wraps_is_indented_to_where_it_begins(summaries):
    long = replace(summaries["three_axes"], notes=("word " * 30,))
    lines = printed(render_ranking(long), 80).splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("note  word"))
    assert lines[first + 1].startswith("      word")


def test_without_a_terminal_there_are_no_colour_codes(summaries):
    assert "\x1b" not in printed(render_ranking(summaries["three_axes"]))
    assert "\x1b" in printed(render_ranking(summaries["three_axes"]), force_terminal=True, color_system="standard")


def test_the_answer_comes_first_and_the_command_can_be_copied(summaries):
    text = printed(render_ranking(summaries["three_axes"]), 120)
    assert text.startswith("dropout=off alone, or augmentation=off with weight_decay=off restores convergence")
    assert "\n  python -m sweep task=digits_cnn_overregularised task.dropout=0.0" in text


def many(summary, count):
    toggle = summary.toggles[0]
    toggles = tuple(replace(toggle, toggle=f"x=l{n}", rank=1, tied=True) for n in range(count))
    return replace(summary, toggles=toggles)


def test_of_many_toggles_the_first_twenty_are_shown_and_the_command_for_the_rest(summaries):
    summary = many(summaries["three_axes"], 200)
    text = printed(render_ranking(summary), 120)
    assert sum("x=l" in line and "=1" in line for line in text.splitlines()) == 20
    assert f"180 more: python -m sweep rank {summary.study} --all" in text
    whole = printed(render_ranking(summary, shows_all=True), 120)
    assert "x=l199" in whole
    assert "more: python" not in whole


def test_the_command_for_the_rest_names_a_store_that_is_not_the_default_one_in_a_diagnosis_too(summaries):
    summary = many(summaries["three_axes"], 200)
    command = f"python -m sweep rank {summary.study} --all --store sqlite:///x.db"
    assert command in printed(render_document(summary, store=" --store sqlite:///x.db"), 160)
    stage = StageDocument(stage="ablation", study="d.ablation", ok=True, answer="a", section=summary)
    staged = StagedDocument(study="d", answer="b", stages=(stage,))
    assert command in printed(render_document(staged, store=" --store sqlite:///x.db"), 160)


def test_report_md_shows_as_many_toggles_and_names_the_file_that_has_all(summaries):
    summary = many(summaries["three_axes"], 200)
    text = render_markdown(summary)
    assert (text.count("`x=l"), "`x=l20`" in text) == (20, False)
    assert "180 more in `ranking.csv`" in text
    assert "ranking.csv" not in render_markdown(many(summaries["three_axes"], 20))


def test_one_note_of_many_toggles_names_a_few(summaries):
    summary = many(summaries["three_axes"], 200)
    toggles = tuple(replace(toggle, note="diverges") for toggle in summary.toggles)
    (line,) = [note for note in toggle_notes(replace(summary, toggles=toggles)) if "diverges" in note]
    assert "x=l0, x=l1" in line
    assert "and 192 more: diverges" in line


def test_repairs_that_tie_are_all_named_and_a_choice_has_its_reason(summaries):
    summary = summaries["three_axes"]
    tied = replace(summary.recommended, ties=(("task.clip=1.0",),), reason="")
    lines = printed(render_ranking(replace(summary, recommended=tied)), 120).splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("use one of  "))
    assert [lines[at].split()[-1], lines[at + 1].strip()] == ["task.dropout=0.0", "task.clip=1.0"]
    markdown = render_markdown(replace(summary, recommended=tied))
    assert "`task.dropout=0.0`, or `task.clip=1.0`" in markdown
    chosen = replace(summary.recommended, ties=(), reason="it takes fewer steps")
    assert "(it takes fewer steps)" in printed(render_ranking(replace(summary, recommended=chosen)), 120)


def test_a_target_without_a_hold_of_its_own_says_for_how_many_it_is_held(summaries):
    summary = summaries["three_axes"]
    text = printed(render_ranking(replace(summary, target=replace(summary.target, hold=None))), 120)
    assert "≥ 0.9, held for 3 or more evaluations, within 600 steps" in text


def test_ties_are_marked(summaries):
    lines = printed(render_ranking(summaries["breaking"])).splitlines()
    assert [line.split()[0] for line in lines if "no effect" in line] == ["=2", "=2"]
    assert next(line for line in lines if "breaks  " in line).split()[0] == "1"


def test_undecided_says_how_many_seeds_would_decide(summaries):
    text = printed(render_ranking(summaries["three_axes"]), 120)
    row = next(line for line in text.splitlines() if "undecided (n=5)" in line)
    assert row.rstrip().endswith("+6")


def test_what_is_in_square_brackets_is_shown_not_obeyed(summaries):
    summary = replace(summaries["three_axes"], answer="[red]not red[/red]", notes=("[/]",), study="[bold]x")
    text = printed(render_ranking(summary))
    assert "[red]not red[/red]" in text
    assert "[bold]x" in text


def test_a_failure_of_the_machine_is_called_that_in_front_of_a_reader():
    assert shown_failure("infra") == "machine failure"
    assert shown_failure("timed_out") == "timed out"
    assert verdicts_text({"infra": 2, "crash": 1}) == "2 machine failure, 1 crash"
