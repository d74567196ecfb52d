"""Which way a command's study is run: as it is, or through the studies that it is made of."""

from sweep.config import LoadedConfig
from sweep.domain.kinds import StudyKind
from sweep.launch import WarmParent
from sweep.study.progress import Progress
from sweep.study.session import StudyEnd, run_study


def run_job(loaded: LoadedConfig, *, progress: Progress, early: WarmParent | None = None) -> StudyEnd:
    """Run what a config asks for; `early` is for no study of several. Raises as `run_study` does."""
    if loaded.study.kind.is_staged:
        from sweep.study.road import run_road  # SciPy comes with it

        return run_road(loaded, progress=progress, run_job=run_job)
    if loaded.study.kind is StudyKind.LR_RANGE:
        from sweep.study.lr_range import run_lr_range  # likewise

        return run_lr_range(loaded, progress=progress)
    return run_study(loaded, progress=progress, early=early)
