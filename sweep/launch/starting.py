"""How the processes of runs are started on this machine: by forks, from idle interpreters, or cold."""

import logging
from collections.abc import Callable

from sweep.errors import ConfigError
from sweep.launch.cold import ColdStarter, Starter
from sweep.launch.standby import StandbyStarter
from sweep.launch.warm import WarmParent, WarmStarter

logger = logging.getLogger(__name__)


def make_starter(
    start: str,
    *,
    slots: int,
    has_devices: bool,
    say: Callable[[str], None],
    early: WarmParent | None = None,
) -> Starter:
    """Return the starter that `launcher.start` asks for. Raises ConfigError for forks if runs get GPUs."""
    if start == "warm" and has_devices:
        raise ConfigError(
            "launcher.start",
            "a run that gets a GPU cannot be forked: a CUDA context does not survive it",
            value=start,
            allowed=("auto", "standby", "cold"),
            hint="launcher.gpus=[] stays on the CPU",
        )
    logger.info("launcher.start=%s: %d runs at a time, on %s", start, slots, "GPUs" if has_devices else "the CPU")
    cold = ColdStarter()
    standby = StandbyStarter(spares=slots, instead=cold)
    if start == "cold":
        return cold
    if start == "standby" or has_devices:
        return standby
    return WarmStarter(instead=cold, unsafe_instead=standby, say=say, early=early)
