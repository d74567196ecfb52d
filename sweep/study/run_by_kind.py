"""Which way a command's study is run: as it is, or through the studies that it is made of."""

from collections.abc import Callable

from sweep.config import LoadedConfig
from sweep.domain.kinds import StudyKind
from sweep.launch import WarmParent
from sweep.study.progress import Progress
from sweep.study.session import StudyEnd, run_study


def run_job(loaded: LoadedConfig, *, progress: Progress, early: WarmParent | None = None) -> StudyEnd:
    """Run what a config asks for; `early` is for no study of several. Raises as `run_study` does."""
    made_of_several = SEVERAL.get(loaded.study.kind)
    return made_of_several(loaded, progress) if made_of_several else run_study(loaded, progress=progress, early=early)


def _run_stages(loaded: LoadedConfig, progress: Progress) -> StudyEnd:
    from sweep.study.diagnosis import run_stages  # SciPy comes with it

    return run_stages(loaded, progress=progress, run_job=run_job)


def _run_range_search(loaded: LoadedConfig, progress: Progress) -> StudyEnd:
    from sweep.study.lr_range import run_lr_range  # likewise

    return run_lr_range(loaded, progress=progress)


SEVERAL: dict[StudyKind, Callable[[LoadedConfig, Progress], StudyEnd]] = {
    StudyKind.CHECKS: _run_stages,
    StudyKind.DIAGNOSIS: _run_stages,
    StudyKind.LR_RANGE: _run_range_search,
}
"""What runs the kinds that are made of several studies."""
