"""ranking.csv: one row per toggle, every figure of the ranking, full precision."""

import csv
import io
from collections.abc import Mapping
from typing import Any

from sweep.domain.printable import printable

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


def ranking_csv(summary: Mapping[str, Any]) -> str:
    """Return the ranking as CSV text (RFC 4180); an empty field is a figure that is not known."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, extrasaction="ignore")
    writer.writeheader()
    for toggle in summary["toggles"]:
        steps, necessity = toggle["steps_to_target"], toggle["necessity"] or {}
        row = {
            **toggle,
            "low": toggle["interval"][0],
            "high": toggle["interval"][1],
            "steps_median": steps["median"],
            "steps_base_median": steps["base"],
            "steps_saved": steps["saved"],
            "steps_p_value": steps["p_value"],
            "necessity_converged": necessity.get("converged"),
            "necessity_trials": necessity.get("trials"),
            "seeds": " ".join(str(seed) for seed in toggle["seeds"]),
            "overrides": " ".join(toggle["overrides"]),
        }
        writer.writerow({key: _cell(value) for key, value in row.items()})
    return out.getvalue()


def _cell(value: Any) -> Any:
    """Control characters are spelled out; text that a spreadsheet would take for a formula follows an apostrophe."""
    if not isinstance(value, str):
        return value
    return printable(f"'{value}" if value[:1] in ("=", "+", "-", "@") else value)
