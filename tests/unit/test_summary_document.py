import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "scripts"))

import report_samples as samples  # noqa: E402 - the path is set above

from sweep.domain.adaptive import AdaptiveFindings, BaseFinding, Spent, ToggleFinding  # noqa: E402
from sweep.domain.inventory import Suggestion  # noqa: E402
from sweep.domain.json_form import to_object  # noqa: E402
from sweep.domain.part import Part  # noqa: E402
from sweep.domain.recorded_config import RecordedConfig  # noqa: E402
from sweep.domain.states import TrialState  # noqa: E402
from sweep.report import build_document  # noqa: E402
from sweep.report.documents import read_ranking  # noqa: E402
from sweep.report.headings import read_heading  # noqa: E402

DESIGN_KEYS = {
    "": {"schema", "study", "task", "command", "question", "base", "toggles", "repairs", "recommended", "cost",
         "provenance"},
    "base": {"seeds", "converged", "verdict", "symptoms"},
    "toggles[]": {"toggle", "rank", "status", "trials", "converged", "repair_probability", "interval", "p_value",
                  "steps_to_target"},
    "repairs[]": {"toggles", "probability", "verified", "converged", "seeds", "overrides"},
    "recommended": {"overrides", "command"},
    "cost": {"trials", "steps", "base_run_equivalents", "wall_s", "reused"},
    "provenance": {"git_sha", "dirty", "packages", "host", "gpus", "seeds"},
}  # fmt: skip
MAPS = {"verdicts", "states", "base.verdicts", "cells[].verdicts", "search.top[].params", "provenance.packages"}


def build_summary(data):
    return to_object(build_document(data))


@pytest.fixture(scope="module")
def summaries():
    return {name: build_summary(make()) for name, make in samples.SAMPLES.items()} | {
        "beside": beside_another(),
        "script": of_a_script(),
    }


def beside_another():
    """Return the summary of a study whose automatic name another config had first."""
    data = next(iter(samples.SAMPLES.values()))()
    config = RecordedConfig({**data.study.config.raw, "compare_with": "first"})
    return build_summary(replace(data, study=replace(data.study, name="first-lr=1", config=config)))


def of_a_script():
    """Return the summary of a study on a script with a repair."""
    data = next(iter(samples.SAMPLES.values()))()
    part = Part(knob="dropout", what="Dropout(p=0.95)", where="train.py:23", value=0.95)
    effects = tuple(replace(effect, where="Dropout(p=0.95) at train.py:23") for effect in data.ranking.effects)
    found = replace(data.ranking, effects=effects, suggestion=Suggestion(diff="--- a/train.py\n", left=(part,)))
    return build_summary(replace(data, ranking=found))


def test_a_study_on_a_script_names_lines_and_suggests_a_change():
    found = of_a_script()
    assert {toggle["where"] for toggle in found["toggles"]} == {"Dropout(p=0.95) at train.py:23"}
    assert found["suggestion"]["by_hand"] == ["Dropout(p=0.95) at train.py:23"]


def test_a_study_that_is_beside_another_names_the_comparison():
    assert beside_another()["compare"] == {"with": "first", "command": "python -m sweep compare first first-lr=1"}


def key_paths(value, path=""):
    """Yield the path of every key, `toggles[].rank`, and of every list of plain values, `notes[]`."""
    if isinstance(value, dict):
        for key, item in value.items():
            at = f"{path}.{key}" if path else key
            if not isinstance(item, list):
                yield at
            if at not in MAPS:
                yield from key_paths(item, at)
    elif isinstance(value, list):
        if not value or not isinstance(value[0], dict):
            yield path if path.endswith(("interval", "command")) else f"{path}[]"
        for item in value:
            yield from key_paths(item, f"{path}[]")


def documented_keys():
    text = (ROOT / "docs" / "summary.md").read_text(encoding="utf-8")
    return set(re.findall(r"^\| `([^`]+)` \|", text, flags=re.MULTILINE))


def test_every_summary_is_strict_json(summaries):
    for summary in summaries.values():
        text = json.dumps(summary, allow_nan=False)
        assert json.loads(text) == summary


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_a_document_is_read_back_from_its_file_as_it_was_written(summaries, name):
    text = json.dumps(summaries[name])
    assert json.dumps(to_object(read_ranking(json.loads(text)))) == text


def test_a_summary_of_any_kind_has_a_heading(summaries):
    for summary in summaries.values():
        heading = read_heading(summary)
        assert heading.answer == summary["answer"]
        assert heading.cost.wall_s == summary["cost"]["wall_s"]
    assert read_heading(None).answer == read_heading({"status": "interrupted"}).answer == ""


def test_every_key_is_documented_and_every_documented_key_is_produced(summaries):
    produced = {path for summary in summaries.values() for path in key_paths(summary)}
    # A list that is empty in one study and of objects in another is documented by its objects' keys.
    produced -= {path[: found.end() - 1] for path in produced for found in re.finditer(r"\[\]\.", path)}
    parents = {"suggestion", "target", "base", "recommended", "cost", "provenance", "toggles[].steps_to_target"}
    assert produced - parents == documented_keys()


def test_the_contracts_keys_are_there(summaries):
    for name, summary in summaries.items():
        for path, keys in DESIGN_KEYS.items():
            at = summary if not path else summary[path.removesuffix("[]")]
            for item in at if isinstance(at, list) else [at]:
                assert keys <= set(item), (name, path)


def test_what_is_not_finite_is_written_by_name(summaries):
    values = [symptom["value"] for symptom in summaries["all_diverged"]["base"]["symptoms"]]
    assert "NaN" in values


def test_five_of_five_against_none_reads_restores_with_its_jeffreys_interval(summaries):
    first = summaries["three_axes"]["toggles"][0]
    assert (first["toggle"], first["status"], first["word"]) == ("dropout=off", "restores", "restores")
    assert (first["converged"], first["trials"]) == (5, 5)
    assert first["repair_probability"] == pytest.approx(5.5 / 6)
    assert first["interval"][1] == 1.0
    assert 0.6 < first["interval"][0] < 0.65


def test_where_the_base_converges_harms_is_said_as_breaks(summaries):
    summary = summaries["breaking"]
    first = summary["toggles"][0]
    assert (summary["question"], first["status"], first["word"]) == ("break", "harms", "breaks")
    assert first["repair_probability"] < 0.2
    assert summary["repairs"][0]["probability"] == pytest.approx(1 - first["repair_probability"])
    assert summary["repairs"][0]["interval"] == pytest.approx([1 - x for x in reversed(first["interval"])])


def test_undecided_says_its_n_and_the_command_that_would_decide(summaries):
    summary = summaries["twelve_axes"]
    undecided = [toggle for toggle in summary["toggles"] if toggle["more_seeds"]]
    assert all(toggle["word"] == f"undecided (n={toggle['trials']})" for toggle in undecided)
    more = max(toggle["more_seeds"] for toggle in undecided)
    assert summary["decide"]["seeds"] == 5 + more
    assert summary["decide"]["command"].endswith(f"task.lr=0.5 seeds={5 + more}")


def test_no_more_seeds_are_asked_for_while_trials_are_still_to_run():
    data = samples.twelve_axes()
    first, *rest = data.outcomes
    for state in (TrialState.PENDING, TrialState.RUNNING, TrialState.CANCELLED):
        assert build_summary(replace(data, outcomes=(replace(first, state=state), *rest)))["decide"] is None


def test_the_seeds_named_are_those_that_trials_had():
    data = samples.three_axes()
    asked = {**data.study.provenance, "seeds": list(range(50))}  # a search tries its points on the first of them
    named = build_summary(replace(data, study=replace(data.study, provenance=asked)))["provenance"]["seeds"]
    assert named == sorted({outcome.seed for outcome in data.outcomes}) != asked["seeds"]


def recommended(command, overrides=("task.dropout=0.0",)):
    data = samples.three_axes()
    data = replace(
        data,
        study=replace(data.study, command=tuple(command)),
        ranking=replace(data.ranking, recommended=tuple(overrides)),
    )
    return build_summary(data)["recommended"]["command"]


def test_the_recommended_command_keeps_the_users_settings_and_drops_what_was_varied():
    command = ["python", "-m", "sweep", "--config-dir", "my conf", "task=mine", "+ablation=all", "~axes.lr", "study=x",
               "driver.design=pairs", "+axis=[lr]", "task.lr=0.5", "seeds=7"]  # fmt: skip
    assert recommended(command) == (
        "python -m sweep --config-dir 'my conf' task=mine task.lr=0.5 seeds=7 task.dropout=0.0"
    )


def test_the_recommended_command_sets_a_key_once():
    assert recommended(["+ablation=all", "task.dropout=0.9"]).count("task.dropout") == 1


def test_the_recommended_command_names_the_task_where_the_study_left_it_to_the_default():
    assert recommended(["sweep", "+ablation=all"]).startswith("python -m sweep task=digits_cnn_overregularised ")


def test_a_list_of_seeds_is_continued_as_a_list():
    data = samples.twelve_axes()
    data = replace(data, study=replace(data.study, command=("+ablation=all", "seeds=[0,1,2,3,4]")))
    assert "'seeds=[0,1,2,3,4,5," in build_summary(data)["decide"]["command"]


def adaptive(data):
    """Return a study's data with what an adaptive driver might have found of its first toggle."""
    first = data.ranking.effects[0].toggle
    found = AdaptiveFindings(
        base=BaseFinding.FAILS, p_single=0.08, p_pair=0.2, pairs_tried=3, pairs=12, questions=17,
        bre=Spent(base=2.2, repair=2.7, other=1.1),
        toggles=(ToggleFinding(toggle=first, posterior=0.97, verified=True, furthest=1.0),),
    )  # fmt: skip
    return replace(data, ranking=replace(data.ranking, adaptive=found))


def test_what_an_adaptive_driver_found_is_in_the_summary_and_reads_back():
    data = adaptive(next(iter(samples.SAMPLES.values()))())
    summary = build_summary(data)
    assert summary["isolate"] == {
        "p_single": 0.08, "p_pair": 0.2, "pairs_tried": 3, "pairs": 12, "questions": 17,
        "bre": {"base": 2.2, "repair": 2.7, "other": 1.1}, "base": "fails",
    }  # fmt: skip
    first, *others = summary["toggles"]
    assert (first["posterior"], first["verified"], first["furthest"]) == (0.97, True, 1.0)
    assert all("posterior" not in toggle for toggle in others)
    assert read_ranking(summary) == build_document(data)


def test_a_study_without_an_adaptive_driver_has_no_key_of_one(summaries):
    for summary in summaries.values():
        assert "isolate" not in summary
        assert all(not {"posterior", "verified", "furthest"} & set(toggle) for toggle in summary["toggles"])
