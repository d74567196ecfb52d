"""The top-level keys of a config."""

KEYS = (
    "task", "axes", "params", "ablation", "driver", "seeds", "converge", "launcher", "store", "study", "results",
    "probe", "confirm", "stages", "regression", "watch", "symptoms", "reuse",
)  # fmt: skip
"""The top-level keys of a study's config."""
