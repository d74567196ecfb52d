"""Runs a learning-rate range test: its trials, then those that confirm the rate it suggests.

The confirmation is a separate study, `<study>.confirm`: the task as it is, with an axis of three rates.
"""

import logging
from dataclasses import replace

from sweep.analysis.checks.lr_confirm import axis_of, rates_of
from sweep.config import DriverConfig, LoadedConfig
from sweep.config.parts import Asked, asked, load_part
from sweep.domain.lr_range import RateRange
from sweep.domain.result import RangeTestResult
from sweep.domain.stages import confirm_study
from sweep.errors import ConfigError
from sweep.report.commands import key_of, section_of
from sweep.rundir import StudyDir
from sweep.store import Store
from sweep.study.inventory import settled
from sweep.study.places import beside
from sweep.study.planning import driver_of
from sweep.study.progress import Progress
from sweep.study.resilient_progress import ResilientProgress
from sweep.study.results import leave_reports
from sweep.study.session import StudyEnd, run_study
from sweep.study.walltime import WallTime

logger = logging.getLogger(__name__)

_OWN = frozenset({"search", "probe", "confirm", "study", "seeds", "stages"})
"""Sections of the command line that concern the range test itself, and are left out of the confirmation."""

DESIGN = "one_at_a_time"
"""The design of the confirmation: each rate against the task's own."""


def run_lr_range(loaded: LoadedConfig, *, progress: Progress) -> StudyEnd:
    """Run the range tests and their confirmation, or resume them; the files of both are written.

    Raises what `run_study` raises, and ConfigError if the study has axes: a range test is of one setting.
    """
    config = loaded.study
    if config.axes or driver_of(config).cells is None:
        raise ConfigError(
            "search",
            "a learning-rate range test is made for one setting, without axes or another driver",
            value=", ".join(axis.name for axis in config.axes) or config.driver.name,
            hint="run the range test first, then the ablation with the rate that it suggests",
        )
    shown = ResilientProgress(progress)
    return run_study(loaded, progress=shown, then=lambda loaded, end: _confirmed(loaded, end, shown))


def _confirmed(loaded: LoadedConfig, end: StudyEnd, shown: ResilientProgress) -> StudyEnd:
    """Confirm the rate that the range test suggests; return how both together have ended."""
    config = loaded.study
    found = end.result.range if isinstance(end.result, RangeTestResult) else None
    confirming = confirmation(loaded, found) if end.status == "ended" and found is not None else None
    if confirming is None or found is None:
        logger.info("nothing to confirm")
        return end
    confirming = settled(beside(confirming, StudyDir(end.folder.parent, config.name)), progress=shown)
    shown.close()
    shown.message(f"the range test suggests {found.point:g}: confirming it  ({confirming.study.name})")
    logger.info("%g is suggested and confirmed by %s", found.point, confirming.study.name)
    with Store.open(config.store_url) as store:
        taken = WallTime(store, store.study(config.name))
    confirmed = run_study(confirming, progress=shown)
    with Store.open(config.store_url) as store:
        record = store.study(config.name)
        both = leave_reports(store, record, wall_s=taken.in_all_s(store))
        store.save_summary(record.id, both.to_object())
    return replace(end, status=confirmed.status, message=confirmed.message, reported=both)


def confirmation(loaded: LoadedConfig, found: RateRange) -> LoadedConfig | None:
    """Return the study that confirms a suggestion, None if there is nothing to confirm. Raises ConfigError."""
    config = loaded.study
    rates = rates_of(found, config.task)
    if config.confirm is None or not rates:
        return None
    first = max(config.seeds) + 1  # fresh seeds: not those of the range test
    seeds = tuple(range(first, first + config.confirm.seeds))
    words = [word for word in loaded.overrides if section_of(word) not in _OWN]
    part = load_part(loaded, words, name=confirm_study(config.name))
    study = asked(part, Asked(axes=(axis_of(rates),), seeds=seeds), words).study
    if not any(key_of(word) == "converge.stop_early" for word in words):
        study = replace(study, target=replace(study.target, stop_early=config.confirm.stop_early))
    study = replace(study, driver=DriverConfig(name="grid", settings={"design": DESIGN}))
    # The command is that of the range test: resuming the confirmation means resuming the range test.
    is_named = any(key_of(word) == "study" for word in loaded.command)
    command = loaded.command if is_named else (*loaded.command, f"study={config.name}")
    return replace(part, study=study, command=command)
