"""Runs the study of a command: itself, or the studies that it consists of."""

from collections.abc import Callable

from sweep.config import LoadedConfig
from sweep.domain.kinds import StudyKind
from sweep.launch import MakeLauncher, build_launcher
from sweep.study.inventory import settled
from sweep.study.progress import Progress
from sweep.study.session import StudyEnd, run_study


def run_job(loaded: LoadedConfig, *, progress: Progress, make_launcher: MakeLauncher = build_launcher) -> StudyEnd:
    """Run the study of a config, a script's inventory first. Raises what `run_study` raises, and ConfigError if the
    inventory shows that the study cannot be planned.

    `make_launcher` makes its launcher; the studies of a study made of several have their own.
    """
    loaded = settled(loaded, progress=progress)
    made_of_several = SEVERAL.get(loaded.study.kind)
    if made_of_several:
        return made_of_several(loaded, progress)
    return run_study(loaded, progress=progress, make_launcher=make_launcher)


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
