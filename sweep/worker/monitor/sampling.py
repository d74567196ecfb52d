"""Which steps the monitor looks at: a rule over step numbers only, so that runs of one task are comparable."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """When what is recorded; steps count from 1, and the first `opening` are always looked at.

    `scalars` and `layers` are intervals in steps, the second a multiple of the first, valid up to `until`; from there
    both double whenever the step number has doubled, so that a run of any length adds at most `until / scalars / 2`
    samples per doubling. `most_layers` is how many layers have series of their own. Up to the step `close` the first
    layer's gradient is checked for NaN and infinity at each step, later at the sampled ones: faults of the data and of
    the start show in the first passes over the data, and the check costs a small network's step 2 %.
    """

    opening: int
    scalars: int
    layers: int
    until: int
    most_layers: int
    close: int = 100

    def has_scalars(self, step: int) -> bool:
        """Return whether loss, learning rate and global norms are recorded at a step; true wherever layers are."""
        if step <= self.opening:
            return True
        if step % self.scalars:  # most steps: told at once, since stretched intervals are multiples of the first ones
            return False
        return step % (self.scalars * self._stretch(step)) == 0 or self.has_layers(step)

    def has_layers(self, step: int) -> bool:
        """Return whether per-layer and activation statistics are recorded at a step."""
        return step == 1 or (step % self.layers == 0 and step % (self.layers * self._stretch(step)) == 0)

    def _stretch(self, step: int) -> int:
        return 1 if step <= self.until else 1 << ((step - 1) // self.until).bit_length()


SAMPLINGS = {
    "light": Sampling(opening=3, scalars=20, layers=60, until=4000, most_layers=24),
    "deep": Sampling(opening=20, scalars=1, layers=5, until=4000, most_layers=200),
}
"""By what `watch` says. The light one is what `scripts/bench_watch.py` holds to its share of the step time."""
