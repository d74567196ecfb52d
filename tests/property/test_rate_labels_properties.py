"""For all positions of the marked rates their labels stand clear of each other, of all lines, and within the chart."""

import re
from itertools import permutations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from sweep.domain.lr_range import RateRange, RateTest
from sweep.report.ratechart import LEFT, RIGHT, WIDTH, rate_chart
from sweep.report.ratelabels import ROWS, Label, places_of, span_of, width_of

RATE = st.floats(-7.0, 1.0).map(lambda power: 10.0**power)
X = st.floats(LEFT, WIDTH - RIGHT)
NEAR = st.floats(-0.03, 0.03)
MARK = re.compile(r'<path class="mark (\w+)" d="M([\d.]+) (\d+)V\d+"/><text class="l-\w+" x="([\d.]+)" y="(\d+)" '
                  r'text-anchor="(\w+)">([^<]+)</text>')  # fmt: skip
LONGEST = width_of("blows up at 1.3e-07"), width_of("suggested 1.3e-07", is_bold=True), width_of("the task has 1.3e-07")


@st.composite
def near_each_other(draw):
    """Return three rates, of which any may lie within 3 % of the axis from another, or beyond its end."""
    power = draw(st.floats(-7.0, 1.0))
    powers = [power, *(min(max(power + 8 * draw(NEAR), -7.0), 1.0) for _ in range(2))]
    return [10.0**p for p in draw(st.sampled_from(list(permutations(powers))))]


def section(point, own, diverge):
    test = RateTest(trial=0, seed=0, rates=(1e-7, 10.0), losses=(2.0, 1.0), smoothed=(2.0, 1.0))
    return RateRange(point=point, base_lr=own, diverge=diverge, lr_min=1e-7, lr_max=10.0, trials=(test,))


def boxes(chart):
    """Return each label's box (left, top, right, bottom) and its line (x, from where down), as drawn."""
    found = []
    for name, x, begin, text_x, y, anchor, words in MARK.findall(chart):
        width, at, base = width_of(words, is_bold=name == "point"), float(text_x), int(y)
        left = at - {"start": 0, "middle": width / 2, "end": width}[anchor]
        found.append(((left, base - 12, left + width, base + 4), (float(x), int(begin))))
    return found


def assert_clear(chart):
    drawn = boxes(chart)
    top = int(re.search(r'viewBox="0 (\d+) ', chart).group(1))
    for i, ((left, upper, right, lower), _) in enumerate(drawn):
        assert left > 62
        assert right <= WIDTH
        assert upper >= top
        for j, ((other_left, other_upper, other_right, other_lower), (x, begin)) in enumerate(drawn):
            is_apart = right < other_left or other_right < left or lower <= other_upper or other_lower <= upper
            assert i == j or is_apart, drawn
            assert not left < x < right or begin > lower, drawn
    return len(drawn)


@settings(max_examples=60, deadline=None)
@given(rates=near_each_other())
@example(rates=[10.0, 9.0, 8.0])
@example(rates=[5.0, 6.0, 7.0])
@example(rates=[1e-7, 1.1e-7, 1.2e-7])
@example(rates=[1e-7, 10.0, 9.9])
@example(rates=[10.0, 10.0, 10.0])
def test_labels_of_lines_near_each_other_are_clear_of_each_other_and_of_lines(rates):
    assert assert_clear(str(rate_chart(section(*rates)))) == 3


@settings(max_examples=60, deadline=None)
@given(point=st.none() | RATE, own=st.none() | RATE, diverge=st.none() | RATE)
def test_labels_anywhere_are_clear_of_each_other_and_of_lines(point, own, diverge):
    assert assert_clear(str(rate_chart(section(point, own, diverge)))) == sum(
        rate is not None for rate in (point, own, diverge)
    )


@settings(max_examples=60, deadline=None)
@given(xs=st.lists(X, min_size=1, max_size=3))
def test_labels_of_the_longest_words_have_a_place_within_the_chart(xs):
    labels = [Label(x=x, width=width) for x, width in zip(xs, LONGEST, strict=False)]
    places = places_of(labels, LEFT, WIDTH)
    for label, place in zip(labels, places, strict=True):
        left, right = span_of(label, place)
        assert left >= LEFT
        assert right <= WIDTH
        assert 0 <= place.row < ROWS


def test_labels_of_lines_far_apart_stand_over_their_lines_in_one_row():
    places = places_of([Label(x=x, width=160) for x in (300, 560, 900)], LEFT, WIDTH)
    assert {(place.row, place.side) for place in places} == {(ROWS - 1, 0)}
