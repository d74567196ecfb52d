"""Nights and baselines as JSON: the round trip."""

from datetime import timezone

from hypothesis import given
from hypothesis import strategies as st

from sweep.domain.nights import Baseline, Environment, LossHash, Night, NightRun
from sweep.store.regressionjson import baseline_data, baseline_of, night_data, night_of

words = st.text(max_size=8)
pairs = st.lists(st.tuples(words, words), max_size=3).map(tuple)
environments = st.builds(Environment, git_sha=words, dirty=st.booleans(), packages=pairs, settings=pairs, flags=pairs)
runs = st.lists(
    st.builds(
        NightRun,
        seed=st.integers(0, 2**40),
        tau=st.none() | st.integers(0, 10**9),
        budget=st.integers(1, 10**9),
        verdict=words,
        trial=words,
    ),
    max_size=3,
).map(tuple)
hashes = st.lists(st.builds(LossHash, seed=st.integers(0), steps=st.integers(1), digest=words), max_size=2).map(tuple)
times = st.datetimes(timezones=st.just(timezone.utc))


@given(
    st.builds(
        Night,
        name=words,
        at=times,
        runs=runs,
        wanted=st.integers(1, 9),
        target=words,
        environment=environments,
        hashes=hashes,
        confirmation=runs,
    )
)
def test_every_night_reads_back_as_it_was(made):
    assert night_of(night_data(made)) == made


@given(
    st.builds(
        Baseline,
        task=words,
        runs=runs,
        target=words,
        environment=environments,
        accepted_at=times,
        hashes=hashes,
        studies=st.lists(words, max_size=3).map(tuple),
    )
)
def test_every_baseline_reads_back_as_it_was(made):
    assert baseline_of(baseline_data(made)) == made
