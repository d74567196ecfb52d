"""Runs the study of a command: itself, or the studies that it consists of."""

from collections.abc import Callable

from sweep.config import LoadedConfig
from sweep.domain.kinds import StudyKind
from sweep.launch import WarmParent
from sweep.study.inventory import settled
from sweep.study.progress import Progress
from sweep.study.session import StudyEnd, run_study


def run_job(loaded: LoadedConfig, *, progress: Progress, early: WarmParent | None = None) -> StudyEnd:
    """Run the study of a config, a script's inventory first. Raises what `run_study` raises, and ConfigError if the
    inventory shows that the study cannot be planned.

    `early` is a warm parent started in advance; a study made of other studies does not use it.
    """
    loaded = settled(loaded, progress=progress)
    made_of_several = SEVERAL.get(loaded.study.kind)
    return made_of_several(loaded, progress) if made_of_several else run_study(loaded, progress=progress, early=early)


def _run_stages(loaded: LoadedConfig, progress: Progress) -> StudyEnd:
    from sweep.study.diagnosis import run_stages  # it imports SciPy

    return run_stages(loaded, progress=progress, run_job=run_job)


def _run_range_test(loaded: LoadedConfig, progress: Progress) -> StudyEnd:
    from sweep.study.lr_range import run_lr_range  # so does this

    return run_lr_range(loaded, progress=progress)


SEVERAL: dict[StudyKind, Callable[[LoadedConfig, Progress], StudyEnd]] = {
    StudyKind.CHECKS: _run_stages,
    StudyKind.DIAGNOSIS: _run_stages,
    StudyKind.LR_RANGE: _run_range_test,
}
"""The function that runs each kind made of several studies."""
