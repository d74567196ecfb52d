import io
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from PIL import Image
from rich.console import Console

from sweep.domain.data_check import DataCheck, DataReport
from sweep.domain.overfit import GateTrial, GateVerdict, OverfitReport
from sweep.report.documents import RankingDocument, TargetDocument
from sweep.report.headings import BaseDocument, SymptomDocument
from sweep.report.stages import base, data, overfit

ROOT = Path(__file__).parents[2]
NASTY = "<script>alert(1)</script> | `x`"


def text(renderable):
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(renderable)
    return console.export_text()


@pytest.fixture
def section(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "batch.png")
    return DataReport(checks=(DataCheck.broken("label range", NASTY, "0 to 9", "y - 1"),), picture="batch.png")


def test_a_broken_check_says_what_is_allowed_and_what_to_do(section):
    shown = text(data.terminal(section))
    assert "broken" in shown
    assert "allowed: 0 to 9" in shown
    assert "do: y - 1" in shown


def test_the_page_embeds_the_picture_and_escapes_what_was_found(section, tmp_path):
    page = data.html(section, tmp_path)
    assert 'src="data:image/png;base64,' in page
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_a_page_whose_picture_is_gone_does_without(section, tmp_path):
    (tmp_path / "batch.png").unlink()
    assert "<img" not in data.html(section, tmp_path)


def test_a_cell_of_the_markdown_table_stays_one(section):
    line = data.markdown(section).splitlines()[2]
    assert line.replace("\\|", "").count("|") == 6
    assert "<script>" not in line


def test_checks_that_passed_are_one_line_and_columns_without_a_word_are_left_out(section, tmp_path):
    passed = tuple(DataCheck.ok(f"p{n}", "fine") for n in range(17))
    section = replace(section, checks=(*section.checks, *passed))
    page, markdown = data.html(section, tmp_path), data.markdown(section)
    assert "17 checks passed" in page
    assert "17 checks passed: p0, p1" in markdown
    assert markdown.count("\n| ") == 1
    folded = page.partition("<details")[2]
    assert [title in folded for title in ("found", "allowed", "what to do")] == [True, False, False]
    alone = replace(section, checks=passed[:1])
    assert "1 check passed" in data.html(alone, tmp_path)
    assert "|" not in data.markdown(alone).replace("![", "")


def test_a_gate_that_could_not_be_asked_says_so_once():
    row = GateTrial(trial=0, seed=0, verdict=GateVerdict.NOT_CHECKED)
    report = OverfitReport(verdict=row.verdict, trials=(row,))
    assert text(overfit.terminal(report)).strip() == ""
    assert "10 samples; changed" in text(overfit.terminal(replace(report, trials=(replace(row, samples=10),))))


def test_what_holds_before_training_was_seen_from_the_start():
    seen = SymptomDocument(rule="input_scale", title="The inputs are not normalised", message="to 1680")
    shown = BaseDocument(trials=3, verdicts={"stalled": 3}, symptoms=(seen,))
    target = TargetDocument(metric="val/acc", threshold=0.9, hold=3, budget_steps=9)
    document = RankingDocument(base=shown, target=target)
    assert "not normalised (from the start): to 1680" in text(base.terminal(document))


@pytest.mark.parametrize("check", ["data", "overfit"])
def test_every_setting_of_a_check_is_documented(check):
    settings = yaml.safe_load((ROOT / "conf" / "check" / f"{check}.yaml").read_text())["probe"]
    page = (ROOT / "docs" / "config.md").read_text()
    assert all(f"`probe.{key}`" in page for key in settings if key != "name")
