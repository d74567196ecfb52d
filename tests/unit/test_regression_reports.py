import base64
import hashlib
import io
import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from html_tags import tags_of

sys.path.append(str(Path(__file__).parents[2] / "scripts"))

import regression_samples as samples
from rich.console import Console

from sweep.analysis.regression.wording import standing_text
from sweep.domain.json_form import from_json, to_json
from sweep.domain.regression import NightResult, StepsChange, Suspect, TaskVerdict
from sweep.report import Report, write_reports
from sweep.report.regression import NightDocument, night_document, render_regression

EVIL = "</title><script>alert(1)</script>\"'&]]>\x00{{ 7*7 }}|`"


@pytest.fixture(scope="module")
def reports():
    return tuple(samples.reports())


def summary_of(reports):
    return night_document(
        NightResult.of("2026-11-09", reports),
        at=samples.START,
        command=["+regression=n"],
        provenance={"host": "here"},
    )


@pytest.fixture(scope="module")
def summary(reports):
    return summary_of(reports)


@pytest.fixture(scope="module")
def folder(summary, tmp_path_factory):
    made = tmp_path_factory.mktemp("night") / "new"
    write_reports(Report(document=summary, folder=made))
    return made


@pytest.fixture(scope="module")
def evil_folder(reports, tmp_path_factory):
    suspect = Suspect(what="package", name=EVIL, before=EVIL, now=EVIL, words=EVIL)
    one = replace(reports[1], task=EVIL, words=EVIL, notes=(EVIL,), suspects=(suspect,), good_night=EVIL)
    one = replace(one, history=tuple(replace(point, night=EVIL) for point in one.history))
    made = tmp_path_factory.mktemp("evil")
    write_reports(Report(document=summary_of([one]), folder=made))
    return made


def terminal(summary, width=100):
    console = Console(file=io.StringIO(), width=width)
    console.print(render_regression(summary))
    return console.file.getvalue()


def test_the_page_has_the_whole_command_of_the_night(folder):
    assert "<code>python -m sweep +regression=n</code>" in (folder / "report.html").read_text()


def test_the_four_files_are_written_and_the_summary_is_what_was_given(folder, summary):
    assert {path.name for path in folder.iterdir()} == {"summary.json", "junit.xml", "report.md", "report.html"}
    assert json.loads((folder / "summary.json").read_text()) == to_json(summary)


def test_a_night_is_read_back_from_its_file_as_it_was_written(folder, summary):
    text = (folder / "summary.json").read_text()
    assert from_json(NightDocument, json.loads(text)) == summary


def test_what_needs_a_person_comes_first(summary):
    verdicts = [task.verdict for task in summary.tasks]
    assert verdicts[:3] == ["broken", "slower", "not_run"]
    assert verdicts[-1] == "ok"


def test_the_answer_names_what_regressed_and_the_exit_code_says_so(summary):
    assert summary.answer.startswith("2 of 8 tasks regressed: breast_cancer (broken) and digits_mlp")
    assert summary.exit_code == 3


def test_a_quiet_night_says_no_regression(reports):
    quiet = summary_of([report for report in reports if report.verdict == TaskVerdict.OK])
    assert (quiet.answer, quiet.exit_code) == ("No regression in 2 tasks: 2 ok.", 0)


def test_a_slower_night_without_an_alarm_is_in_every_file(reports, tmp_path):
    quiet = next(report for report in reports if report.verdict == TaskVerdict.OK and not report.notes)
    slower = replace(quiet, change=StepsChange(percent=36.0, low=13.0, high=62.0, nights=1))
    slower = replace(slower, words=standing_text(slower))
    summary = summary_of([slower])
    write_reports(Report(document=summary, folder=tmp_path))
    assert (summary.exit_code, summary.tasks[0].so_far) == (0, "slower")
    assert "not confirmed" in summary.answer
    assert not summary.answer.startswith("No regression")
    words = [" ".join(terminal(summary).split()), ET.parse(tmp_path / "junit.xml").find(".//system-out").text]
    words += [(tmp_path / name).read_text() for name in ("report.md", "report.html")]
    for text in words:
        assert "slower so far, not confirmed: CUSUM" in text
        assert "no worse" not in text


def test_the_page_gives_its_time_in_minutes(folder):
    foot = (folder / "report.html").read_text().partition("<footer>")[2]
    assert "2026-10-01 02:00 UTC" in foot


def test_junit_has_one_case_per_task_and_says_how_it_ended(folder):
    suite = ET.parse(folder / "junit.xml").getroot()[0]
    ended = {case.get("name"): [child.tag for child in case] for case in suite}
    assert ended["breast_cancer"] == ended["digits_mlp_with_a_rather_long_name"] == ["failure"]
    assert ended["cifar10"] == ["error"]
    assert ended["wine"] == ["skipped"]
    assert ended["diabetes"] == ended["mnist"] == ended["digits_cnn"] == ended["iris"] == ["system-out"]
    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["8", "2", "1", "1"]


def test_a_failure_names_the_suspects(folder):
    failure = ET.parse(folder / "junit.xml").find(".//testcase[@name='breast_cancer']/failure")
    assert "paddlepaddle 3.3.0 → 3.3.1" in failure.text
    assert "2026-10-31" in failure.text


def test_junit_stays_xml_whatever_a_task_wrote(evil_folder):
    case = ET.parse(evil_folder / "junit.xml").find(".//testcase")
    assert "<script>" in case.get("name")
    assert "\x00" not in (evil_folder / "junit.xml").read_text()


def test_markdown_has_a_line_per_task_and_details_of_what_is_not_ok(folder):
    text = (folder / "report.md").read_text()
    assert len(re.findall(r"^\| (?:❌|⚠️|✅|➖) \|", text, flags=re.MULTILINE)) == 8
    assert "**digits\\_cnn** (ok)" not in text
    assert "**cifar10** (not run): no run has a verdict: 3 crash" in text


def test_markdown_keeps_a_row_a_row_whatever_a_task_is_called(evil_folder):
    text = (evil_folder / "report.md").read_text()
    row = next(line for line in text.splitlines() if line.startswith("| ❌"))
    assert len(re.findall(r"(?<!\\)\|", row)) == 6
    assert "<script>" not in text


@pytest.mark.parametrize("name", ["folder", "evil_folder"])
def test_the_page_is_well_formed_has_its_own_script_only_and_loads_nothing(name, request):
    page = (request.getfixturevalue(name) / "report.html").read_text()
    tags = tags_of(page)
    assert tags.names.count("script") == 1
    assert not {"link", "img", "iframe", "object", "embed", "base"} & set(tags.names)
    assert not re.search(r"https?:|@import|url\(", page)
    script = re.search(r"<script>(.*?)</script>", page, flags=re.DOTALL).group(1)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in page


def test_the_page_draws_each_tasks_history_with_its_changes(folder, summary):
    page = (folder / "report.html").read_text()
    assert page.count('<svg class="history"') == 8
    assert page.count('class="hc"') == sum(len(task.change_points) for task in summary.tasks) > 0
    assert page.count('class="h-miss"') == 3 + 1  # and one in the legend
    assert "nan" not in "".join(re.findall(r'<svg class="history".*?</svg>', page, flags=re.DOTALL))


def test_the_terminal_says_verdicts_suspects_and_notes(summary):
    text = terminal(summary)
    for words in ("numerics changed", "+29 %", "suspect  paddlepaddle 3.3.0 → 3.3.1", "1 of 3 seeds have a verdict"):
        assert words in text


@pytest.mark.parametrize("width", [60, 80, 160])
def test_the_terminal_keeps_to_its_width(summary, width):
    assert max(map(len, terminal(summary, width).splitlines())) <= width
