"""Examples of property tests are not timed: on a busy machine the first one waits for imports."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
