"""ranking.csv: one row per toggle, every figure of the ranking, full precision."""

import csv
import io
from dataclasses import fields

from sweep.domain.json_form import Json, to_json
from sweep.domain.printable import printable
from sweep.report.documents import RankingDocument, ToggleDocument

COLUMNS = (
    "rank",
    "toggle",
    "axis",
    "level",
    "status",
    "converged",
    "trials",
    "repair_probability",
    "low",
    "high",
    "p_value",
    "p_adjusted",
    "test",
    "steps_median",
    "steps_base_median",
    "steps_saved",
    "steps_p_value",
    "necessity_converged",
    "necessity_trials",
    "more_seeds",
    "seeds",
    "overrides",
    "note",
)


def ranking_csv(document: RankingDocument) -> str:
    """Return the ranking as CSV text (RFC 4180); an empty field is an unknown figure."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    for toggle in document.toggles:
        writer.writerow({key: _cell(to_json(value)) for key, value in _row(toggle).items()})
    return out.getvalue()


def _row(toggle: ToggleDocument) -> dict[str, object]:
    steps, necessity = toggle.steps_to_target, toggle.necessity
    own = {each.name: getattr(toggle, each.name) for each in fields(toggle) if each.name in COLUMNS}
    return {
        **own,
        "low": toggle.interval[0],
        "high": toggle.interval[1],
        "steps_median": steps.median,
        "steps_base_median": steps.base,
        "steps_saved": steps.saved,
        "steps_p_value": steps.p_value,
        "necessity_converged": necessity and necessity.converged,
        "necessity_trials": necessity and necessity.trials,
        "seeds": " ".join(str(seed) for seed in toggle.seeds),
        "overrides": " ".join(toggle.overrides),
    }


def _cell(value: Json) -> Json:
    """Return text with control characters escaped, and an apostrophe before what a spreadsheet reads as a formula."""
    if not isinstance(value, str):
        return value
    return printable(f"'{value}" if value[:1] in ("=", "+", "-", "@") else value)
