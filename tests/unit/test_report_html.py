import base64
import hashlib
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from html_tags import tags_of

sys.path.append(str(Path(__file__).parents[2] / "scripts"))

import report_samples as samples

from sweep.domain.axis import Cell
from sweep.domain.recorded_config import RecordedConfig
from sweep.domain.verdict import Symptom
from sweep.report import build_document
from sweep.report.csvfile import ranking_csv
from sweep.report.html import cell_name, render_html
from sweep.report.markdown import render_markdown
from sweep.report.sections import MAX_CELLS, MAX_PANEL_CELLS, MAX_TRIALS, headline

EVIL = '<script>alert(1)</script><img src=x onerror="alert(2)">"\'&{{ 7*7 }}'


def page_of(data):
    return render_html(data, build_document(data))


@pytest.fixture(scope="module")
def pages():
    return {name: page_of(make()) for name, make in samples.SAMPLES.items()}


@pytest.fixture(scope="module")
def tags(pages):
    return {name: tags_of(page) for name, page in pages.items()}


def hostile_study():
    data = samples.everything("diverged")
    outcome = replace(
        data.outcomes[0],
        reason=f"{EVIL}\nlast line {EVIL}",
        symptoms=(Symptom(rule=EVIL, step=1, value=1.0, threshold=0.5, metric=EVIL, message=EVIL),),
    )
    curves = {**data.curves, 0: {**data.curves[0], EVIL: data.curves[0]["val/acc"]}}
    study = replace(
        data.study,
        name=EVIL,
        task=EVIL,
        command=(EVIL,),
        config=RecordedConfig({EVIL: EVIL}),
        provenance={"host": EVIL, EVIL: EVIL},
    )
    ranking = replace(
        data.ranking,
        answer=EVIL,
        notes=(EVIL,),
        effects=tuple(replace(effect, note=EVIL, overrides=(EVIL,), test=EVIL) for effect in data.ranking.effects),
    )
    return replace(
        data,
        study=study,
        ranking=ranking,
        outcomes=(outcome, *data.outcomes[1:]),
        curves=curves,
        target=replace(data.target, metric=EVIL),
        dir_of=lambda outcome: EVIL,
    )


def test_what_a_trial_wrote_is_shown_and_never_markup():
    page = page_of(hostile_study())
    tags = tags_of(page)
    assert tags.names.count("script") == 1
    assert "img" not in tags.names
    assert not any(name.startswith("on") for name, _ in tags.attributes)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "{{ 7*7 }}" in page


def test_control_characters_of_a_task_are_spelled_out_in_every_file():
    data = samples.everything("diverged")
    raw = "a\x1b[2J\x00\x07\u202e\ud800"
    outcome = replace(
        data.outcomes[0],
        reason=raw,
        symptoms=(Symptom(rule="non_finite", step=1, value=1.0, threshold=0.5, metric=raw, message=raw),),
    )
    curves = {
        **data.curves,
        0: {**data.curves[0], raw: data.curves[0]["val/acc"], "x" * 3000: data.curves[0]["val/acc"]},
    }
    effects = tuple(replace(effect, note=raw) for effect in data.ranking.effects)
    ranking = replace(data.ranking, answer=raw, notes=(raw,), effects=effects)
    data = replace(data, ranking=ranking, outcomes=(outcome, *data.outcomes[1:]), curves=curves)
    summary = build_document(data)
    for text in (render_html(data, summary), render_markdown(summary), ranking_csv(summary)):
        text.encode()
        assert not set(text) & set("\x1b\x00\x07\u202e")
        assert "x1b" in text
    assert "x" * 100 not in render_html(data, summary)


def test_the_page_is_well_formed(pages, tags):
    assert all({"html", "body", "svg"} <= set(tags[name].names) for name in pages)  # and they nest, or `tags` fails


def test_nothing_is_loaded_from_outside(pages, tags):
    for name, page in pages.items():
        assert not re.search(r"https?:|//[\w-]+\.|@import|url\(", page)
        loading = {"src", "srcset", "action", "formaction", "poster", "background", "xlink:href"}
        assert not loading & {attribute for attribute, _ in tags[name].attributes}
        assert all(value.startswith("#") for attribute, value in tags[name].attributes if attribute == "href")
        assert not {"link", "iframe", "object", "embed", "base"} & set(tags[name].names)


def test_the_policy_allows_the_pages_own_script_and_nothing_else(pages):
    page = pages["three_axes"]
    script = re.search(r"<script>(.*?)</script>", page, flags=re.DOTALL).group(1)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in page


def test_every_cell_has_its_curves_and_every_trial_its_row(pages):
    data = samples.three_axes()
    page = pages["three_axes"]
    assert page.count('class="panel"') == len(data.ranking.cells) * 3
    for outcome in data.outcomes:
        assert f"seeds=[{outcome.seed}]" in page
        assert f"trials/<wbr>{outcome.number}</small>" in page


def test_the_repair_can_be_copied_and_the_alternatives_are_named(pages):
    page = pages["three_axes"]
    assert "<code>python -m sweep task=digits_cnn_overregularised task.dropout=0.0</code>" in page
    assert "dropout=off alone, or augmentation=off with weight_decay=off" in page


def test_a_study_in_which_every_trial_crashed_has_a_page_that_shows_why(pages):
    page = pages["all_crashed"]
    assert "ValueError: shapes do not match</summary>" in page
    assert 'class="panel"' not in page


def test_the_reason_of_a_traceback_is_its_last_line():
    assert headline("Traceback\n  File x\nValueError: no\n") == "ValueError: no"
    assert headline("val/acc stayed below 0.9") == "val/acc stayed below 0.9"
    assert len(headline("x" * 1000)) == 200


def test_a_large_study_is_capped_and_the_page_says_where_the_rest_is():
    cells = [Cell(params=(("task.lr", f"0.{k:05d}"),)) for k in range(1, 801)]
    made = samples.curves_of("stalled", samples.np.random.default_rng(0))
    outcomes = tuple(samples.outcome_of(k, cell, 0, "stalled", made) for k, cell in enumerate(cells))
    data = samples.breaking()
    data = replace(
        data,
        axes=(),
        outcomes=outcomes,
        curves=dict.fromkeys(range(800), made),
        ranking=samples.rank(outcomes, (), samples.TARGET),
    )
    page = page_of(data)
    assert f"{MAX_TRIALS} of 800 trials are shown" in page
    assert f"{MAX_CELLS} of 800 cells are shown" in page
    assert f"Curves of {MAX_PANEL_CELLS} of 800 cells are drawn" in page
    assert "python -m sweep export what_carries_it" in page


def test_many_seeds_are_drawn_as_median_and_band():
    data = samples.study(samples.REGULARIZATION, "one_at_a_time", lambda _cell, _seed: "converged", seeds=range(13))
    page = page_of(data)
    assert page.count('class="band"') == page.count('class="median"') == 4 * 3
    assert "Median over seeds" in page


def test_a_cells_name_breaks_between_its_toggles():
    assert str(cell_name("task.lr=0.032024")) == '<span class="t">task.<wbr>lr=<wbr>0.032024</span>'
    assert str(cell_name("a=x + b<c=y")) == ('<span class="t">a=<wbr>x</span> + <span class="t">b&lt;c=<wbr>y</span>')
