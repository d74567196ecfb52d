"""Which steps the monitor samples. It depends on step numbers only, so that runs of one task are comparable."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """What is recorded at which steps. Steps count from 1; the first `opening` steps are always sampled.

    `scalars` and `layers` are intervals in steps; `layers` is a multiple of `scalars`. They are valid up to the step
    `until`, and then double whenever the step number doubles, so each doubling adds at most `until / scalars / 2`
    samples. `most_layers` is the maximum number of layers that have series. Up to the step `close`, the first layer's
    gradient is checked for NaN and infinity at each step, later only at sampled steps: faults of the data and of the
    initialisation appear in the first passes over the data, and the check costs 2 % of a small network's step.
    """

    opening: int
    scalars: int
    layers: int
    until: int
    most_layers: int
    close: int = 100

    def has_scalars(self, step: int) -> bool:
        """Return whether loss, learning rate and global norms are recorded at a step; True if `has_layers` is."""
        if step <= self.opening:
            return True
        if step % self.scalars:  # most steps end here: longer intervals are multiples of the first one
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
"""By the value of `watch`. `scripts/bench_watch.py` checks that `light` keeps to its share of the step time."""
