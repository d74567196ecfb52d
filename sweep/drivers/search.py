"""The optuna driver as a study sees it before it runs. The search itself is in `optuna`: that takes 0.4 s to import."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from sweep.config.values import Section
from sweep.domain.axis import Cell
from sweep.domain.kinds import StudyKind
from sweep.domain.plural import count_text
from sweep.drivers.points import PointSpace
from sweep.drivers.protocol import DriverInput, Expected
from sweep.errors import ConfigError

if TYPE_CHECKING:
    from sweep.drivers.optuna import OptunaDriver

MOST_POINTS = 1_000_000

KEYS = (
    "n_trials", "objective", "sampler", "sampler_args", "pruner", "pruner_args", "seeds_per_point", "base_first", "seed"
)  # fmt: skip


class Search:
    """A search over axes and params by one of Optuna's samplers."""

    kind: ClassVar[StudyKind] = StudyKind.SEARCH
    takes_params: ClassVar[bool] = True
    needs_space: ClassVar[bool] = True
    cells: ClassVar[None] = None

    def __init__(self, given: DriverInput) -> None:
        """Read the settings. Raises ConfigError, also if an axis and a param set the same key."""
        self.settings: Mapping[str, object] = read_settings(given.settings)
        self._given = given
        self._space = PointSpace(given.axes, given.space)

    def accepts(self, cell: Cell, seed: int) -> bool:
        """Return whether a trial is a point of the space, or the base, with one of the study's seeds."""
        return seed in self._given.seeds and (cell.is_base or self._space.point(cell) is not None)

    def expected(self) -> Expected:
        """Return the number of trials, and what is searched by which sampler."""
        driver = self.build()
        points, sampler = driver.settings.n_trials, driver.settings.sampler
        summary = f"{count_text(points, 'point')} · optuna {sampler}"
        return Expected(trials=driver.expected_trials(), summary=summary)

    def build(self) -> "OptunaDriver":
        """Return the driver. Raises ConfigError for samplers, pruners and arguments that Optuna does not have."""
        from sweep.drivers.optuna import OptunaDriver

        given = self._given
        return OptunaDriver(self.settings, given.axes, given.space, given.target, given.seeds[0], given.seeds)


def read_settings(given: Mapping[str, object]) -> dict[str, object]:
    """Return the settings, each of its kind. Raises ConfigError.

    Names of samplers and pruners, and their arguments, are checked by Optuna itself.
    """
    section = Section(given, "driver", KEYS)
    found = dict(given)
    for key in {"n_trials", "seeds_per_point"} & found.keys():
        found[key] = section.integer(key, low=1, high=MOST_POINTS)
    if "seed" in found:
        found["seed"] = section.optional_integer("seed", low=0)
    if "base_first" in found:
        section.flag("base_first")
    for key in {"sampler", "pruner"} & found.keys():
        section.text(key)
    for key in {"sampler_args", "pruner_args"} & found.keys():
        if not isinstance(found[key], Mapping):
            hint = f"'+{section.key(key)}.NAME=VALUE'"
            raise ConfigError(section.key(key), "must be names with values", value=found[key], hint=hint)
    return found
