"""The report as headless Chromium lays it out. Without a Chromium these tests fail: the page must be looked at."""

import json
import re
import shutil
import subprocess
import sys
from html import escape, unescape
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "scripts"))

import report_samples as samples

from sweep.domain.data_check import DataReport
from sweep.domain.json_form import from_json
from sweep.report import build_document
from sweep.report.html import render_html
from sweep.report.staged import StagedDocument, StageDocument, staged_html

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
WIDTH = 1280
PHONE = 400
LEAST_WINDOW = 500
"""Pixels: Chromium makes no window narrower than this; a frame can be."""
MEASURE = """
const seen = (e) => { const r = e.getBoundingClientRect(); return r.width > 0 && r.height > 0; };
const name = (e) => e.tagName + "." + (e.getAttribute("class") || "") + " " + e.textContent.trim().slice(0, 60);
const all = [...document.body.querySelectorAll("*")].filter(seen);
const outside = all.filter((e) => {
  const r = e.getBoundingClientRect(); return r.right > innerWidth + 1 || r.left < -1; });
const cut = all.filter((e) => !(e instanceof SVGElement) && e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1);
const overlaps = [];
const boxes = (items) => items.map((e) => [e, e.getBoundingClientRect()]);
const check = (items) => { const b = boxes(items);
  for (let i = 0; i < b.length; i++) for (let k = i + 1; k < b.length; k++) { const [p, q] = [b[i][1], b[k][1]];
    if (p.left < q.right - 1 && q.left < p.right - 1 && p.top < q.bottom - 1 && q.top < p.bottom - 1)
      overlaps.push(name(b[i][0]) + " / " + name(b[k][0])); } };
for (const svg of document.querySelectorAll("svg.panel, svg.forest")) check([...svg.querySelectorAll("text")]);
for (const row of document.querySelectorAll("thead tr")) check([...row.querySelectorAll("th > span")]);
for (const cell of document.querySelectorAll("td, th")) for (const inner of cell.querySelectorAll("span, svg, code")) {
  const r = inner.getBoundingClientRect(), c = cell.getBoundingClientRect();
  if (r.width && (r.right > c.right + 1 || r.left < c.left - 1)) overlaps.push("beyond its cell: " + name(inner)); }
const split = [];
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) for (const word of texts.currentNode.data.matchAll(/[\\w.,()%]{2,14}/g)) {
  if (texts.currentNode.parentElement.closest("code, pre, .turned, script, style")) continue;
  const range = document.createRange();
  range.setStart(texts.currentNode, word.index); range.setEnd(texts.currentNode, word.index + word[0].length);
  if (new Set([...range.getClientRects()].filter((r) => r.width > 0).map((r) => Math.round(r.top))).size > 1)
    split.push(word[0] + " in " + name(texts.currentNode.parentElement)); }
document.documentElement.dataset.measured = JSON.stringify({
  scroll: document.documentElement.scrollWidth, outside: outside.map(name), cut: cut.map(name), overlaps, split,
  buttons: document.querySelectorAll(".cmd button").length, commands: document.querySelectorAll(".cmd").length,
  panels: [...document.querySelectorAll("svg.panel")].filter(seen).length });
"""


def chromium():
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    assert found, f"none of {', '.join(NAMES)} is installed: apt-get install chromium"
    return found


def framed(page, width):
    """Return a page that shows another in a frame of this width, and takes over what was measured in it."""
    script = (
        "const frame = document.querySelector('iframe'); const wait = () => { const found ="
        " frame.contentDocument.documentElement.dataset.measured; if (found)"
        " document.documentElement.dataset.measured = found; }; frame.addEventListener('load', wait); wait();"
    )
    frame = f'<iframe srcdoc="{escape(page)}" style="width:{width}px;height:2000px;border:0"></iframe>'
    return f"<!DOCTYPE html><html><body>{frame}<script>{script}</script></body></html>"


def measured(page, tmp_path, name, width=WIDTH):
    """Lay the page out at this width; the measuring script needs the policy gone, so it works on a copy."""
    copy = re.sub(r"<meta http-equiv[^>]*>", "", page).replace("</body>", f"<script>{MEASURE}</script></body>")
    path = tmp_path / f"{name}.html"
    path.write_text(copy if width >= LEAST_WINDOW else framed(copy, width), encoding="utf-8")
    done = subprocess.run(
        [
            chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--no-first-run", "--hide-scrollbars",
            f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},2000", "--dump-dom", path.as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return json.loads(unescape(re.search(r'data-measured="([^"]*)"', done.stdout).group(1)))


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_nothing_overflows_is_cut_overlaps_or_is_split_at_desktop_width(name, tmp_path):
    data = samples.SAMPLES[name]()
    page = render_html(data, build_document(data))
    found = measured(page, tmp_path, name)
    assert found["scroll"] <= WIDTH
    assert found["outside"] == []
    assert found["cut"] == []
    assert found["overlaps"] == []
    assert found["split"] == []
    assert found["panels"] == page.count('class="panel"')


@pytest.mark.parametrize(("name", "width"), [("three_axes", 800), ("twelve_axes", 800), ("three_axes", 1024)])
def test_on_a_narrow_screen_wide_tables_scroll_and_the_page_does_not(name, width, tmp_path):
    data = samples.SAMPLES[name]()
    found = measured(render_html(data, build_document(data)), tmp_path, name, width)
    assert found["scroll"] <= width
    assert found["overlaps"] == []
    assert [each for each in found["split"] if " in STRONG." in each] == [], "the names of the changes"


@pytest.mark.parametrize("name", ["three_axes", "twelve_axes", "sixty_four_cells"])
def test_on_a_phone_the_cells_name_their_changes_and_no_word_is_split(name, tmp_path):
    data = samples.SAMPLES[name]()
    found = measured(render_html(data, build_document(data)), tmp_path, name, PHONE)
    assert found["scroll"] <= PHONE
    assert found["overlaps"] == []
    assert found["split"] == []


CHECKS = [
    {"name": f"check {n}", "severity": "ok", "found": f"nothing in {n} samples", "allowed": "none", "advice": ""}
    for n in range(17)
]
WARNING = {
    "name": "validation scale",
    "severity": "warning",
    "found": "standard deviation 0.376 in training, 3.77 in validation",
    "allowed": "standard deviations within a factor of 3",
    "advice": "normalise both sets with the statistics of the training set",
}


def test_on_a_phone_the_checks_of_the_data_are_stacked_and_those_that_passed_folded(tmp_path):
    section = {"checks": [WARNING, *CHECKS], "counts": {}, "picture": None, "measured": {}}
    stage = StageDocument(stage="data", study="s", ok=True, answer="a", section=from_json(DataReport, section))
    document = StagedDocument(study="s", task="t", answer="a", stages=(stage,), created_at="2026-11-28T21:26:32+00:00")
    page = staged_html(document, tmp_path)
    assert "17 checks passed" in page
    found = measured(page, tmp_path, "data", PHONE)
    assert found["scroll"] <= PHONE
    assert (found["overlaps"], found["split"], found["outside"]) == ([], [], [])


def test_names_without_a_place_to_break_stay_on_the_page(tmp_path):
    long = "a" * 90
    levels = {
        long: {"b" * 120: ["task." + "c" * 150 + "=1"]},
        "short": {"off": ["task.x=0"]},
        **{f"axis_number_{k}": {"off": [f"task.x{k}=0"]} for k in range(9)},
    }
    data = samples.study(levels, "one_at_a_time", lambda _cell, seed: "crash" if seed else "converged", name="n" * 200)
    found = measured(render_html(data, build_document(data)), tmp_path, "long")
    assert found["scroll"] <= WIDTH
    assert found["outside"] == []


def test_the_policy_lets_the_pages_own_script_run(tmp_path):
    data = samples.three_axes()
    path = tmp_path / "report.html"
    path.write_text(render_html(data, build_document(data)), encoding="utf-8")
    done = subprocess.run(
        [chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
         f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", path.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    buttons = done.stdout.count('<button type="button">Copy</button>')
    assert buttons == len(re.findall(r'class="(?:[^"]* )?cmd"', done.stdout)) > 0
