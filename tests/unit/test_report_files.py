import csv
import errno
import io
import json
import os
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "scripts"))

import report_samples as samples

from sweep.domain.json_form import to_object
from sweep.domain.regression import NightResult
from sweep.report import Report, build_document, files, write_reports
from sweep.report.csvfile import COLUMNS, ranking_csv
from sweep.report.markdown import render_markdown
from sweep.report.regression import night_document
from sweep.report.staged import StagedDocument
from sweep.rundir import write_text_atomic


@pytest.fixture(scope="module")
def summary():
    return build_document(samples.twelve_axes())


def test_all_files_are_written_and_nothing_else_is_left(tmp_path):
    folder = tmp_path / "results" / "study"
    data = samples.breaking()
    summary = build_document(data)
    write_reports(Report(document=summary, folder=folder, data=data))
    assert {path.name for path in folder.iterdir()} == {"summary.json", "report.html", "report.md", "ranking.csv"}
    assert json.loads((folder / "summary.json").read_text(encoding="utf-8")) == to_object(summary)


def test_a_format_that_is_added_to_the_list_is_written_for_studies_stages_and_nights(tmp_path, monkeypatch):
    data = samples.breaking()
    documents = {
        "study": build_document(data),
        "stages": StagedDocument(study="s", answer="Nothing is broken."),
        "night": night_document(NightResult.of("2026-11-09", []), at=data.study.created_at, command=[], provenance={}),
    }
    added = {**files.FORMATS, "answer.txt": lambda report: report.document.answer}
    monkeypatch.setattr(files, "FORMATS", added)
    for name, document in documents.items():
        write_reports(Report(document=document, folder=tmp_path / name, data=data if name == "study" else None))
        assert (tmp_path / name / "answer.txt").read_text(encoding="utf-8") == document.answer
        assert {"summary.json", "report.md", "report.html"} <= {path.name for path in (tmp_path / name).iterdir()}
    assert (tmp_path / "night" / "junit.xml").exists()
    assert not (tmp_path / "stages" / "ranking.csv").exists()


def test_the_csv_has_a_row_per_toggle_in_full_precision(summary):
    rows = list(csv.DictReader(io.StringIO(ranking_csv(summary))))
    assert list(rows[0]) == list(COLUMNS)
    assert [row["toggle"] for row in rows] == [toggle.toggle for toggle in summary.toggles]
    assert float(rows[0]["p_adjusted"]) == summary.toggles[0].p_adjusted
    assert rows[-1]["p_value"] == ""


def test_a_spreadsheet_takes_no_text_for_a_formula(summary):
    toggle = replace(summary.toggles[0], note='=HYPERLINK("x")')
    [row] = csv.DictReader(io.StringIO(ranking_csv(replace(summary, toggles=(toggle,)))))
    assert row["note"] == '\'=HYPERLINK("x")'


def test_every_row_of_the_markdown_table_has_every_column(summary):
    lines = [line for line in render_markdown(summary).splitlines() if line.startswith("|")]
    assert len(lines) == 3 + sum(toggle.status != "inert" for toggle in summary.toggles)
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {9}


def test_a_search_is_reported_by_its_best_points():
    summary = build_document(samples.search())
    text = render_markdown(summary)
    best = summary.search.top[0]
    assert f"| {best.trial} | converged | {best.steps_to_target} |" in text
    assert "| rank |" not in text


def test_markdown_shows_what_a_config_wrote_as_it_is():
    data = samples.breaking()
    data = replace(data, ranking=replace(data.ranking, answer="<b>a</b> | `b` [c](d)\n# e"))
    text = render_markdown(build_document(data))
    assert "**&lt;b&gt;a&lt;/b&gt; \\| \\`b\\` \\[c\\]\\(d\\) \\# e**" in text


def test_a_file_is_replaced_whole_or_left_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "report.md"
    path.write_text("old", encoding="utf-8")

    def fail(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        write_text_atomic(path, "new")
    assert path.read_text(encoding="utf-8") == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.md"]
