import math
import re

import numpy as np
import pytest

from sweep.report.charts import HEIGHT, LEFT, RIGHT, TOP, WIDTH, Curve, Scale, forest_row, panel, scale_of, tick_text
from sweep.report.charts import share_bar as bar


def curve(values, *, bad_step=None, word="converged", tau=None):
    values = np.array(values, dtype=np.float64)
    steps = np.arange(len(values), dtype=np.float64) * 10
    return Curve(steps=steps, values=values, bad_step=bad_step, word=word, label="seed 0", tau=tau)


def test_a_loss_over_a_wide_range_is_logarithmic_and_a_blow_up_does_not_stretch_it():
    scale = scale_of("train/loss", [curve([2.0, 0.5, 0.01]), curve([2.0, 1e5, 1e30])], None)
    assert scale.is_log
    assert scale.low < 0.01
    assert scale.high < 1e3


def test_an_accuracy_is_linear_and_its_scale_holds_the_target():
    scale = scale_of("val/acc", [curve([0.1, 0.2, 0.3])], 0.9)
    assert not scale.is_log
    assert scale.low <= 0.1
    assert scale.high >= 0.9


def test_outliers_do_not_stretch_a_linear_scale():
    values = [*np.linspace(0, 1, 200), -1e9]
    assert scale_of("val/r2", [curve(values)], None).low > -2


@pytest.mark.parametrize("values", [[], [0.0], [5.0, 5.0], [-3.0, 2.0], [1e-12, 1e12], [0.0, 1e-300]])
def test_any_scale_has_a_range_and_labels_within_it(values):
    for metric in ("loss", "acc"):
        scale = scale_of(metric, [curve(values)], None)
        assert scale.low < scale.high
        slack = 1e-6 * (scale.high - scale.low)
        assert all(scale.low - slack <= tick <= scale.high + slack for tick in scale.ticks)


def test_values_beyond_the_scale_are_drawn_at_its_edge():
    scale = Scale(low=0.0, high=1.0, is_log=False)
    low, high = scale.y(np.array([-5.0, 7.0]))
    assert high == TOP
    assert low > high


def test_a_run_that_diverged_is_marked_where_it_was_no_number_any_more():
    svg = panel([curve([1.0, 2.0], bad_step=50, word="diverged")], Scale(low=0, high=2, is_log=False), 100,
                threshold=None, is_many=False)  # fmt: skip
    x = round(LEFT + (WIDTH - LEFT - RIGHT) * 0.5)
    assert f'<use href="#m-diverged" x="{x}"' in svg


def test_a_run_that_was_never_finite_is_marked_too():
    svg = panel([curve([], bad_step=0, word="diverged")], Scale(low=0, high=1, is_log=False), 100, threshold=None,
                is_many=False)  # fmt: skip
    assert "#m-diverged" in svg
    assert "not logged" not in svg


def test_a_metric_that_no_run_logged_says_so():
    assert "not logged" in panel([], Scale(low=0, high=1, is_log=False), 100, threshold=0.5, is_many=False)


def test_paths_stay_within_the_canvas():
    draw = np.random.default_rng(0)
    curves = [curve(draw.normal(0, 10, 60)) for _ in range(5)]
    svg = panel(curves, Scale(low=-1, high=1, is_log=False), 400, threshold=0.5, is_many=False)
    for path in re.findall(r'class="c [^"]*" d="M(\d+) (\d+)l([^"]*)"', svg):
        numbers = np.array(path[2].split(), dtype=int).reshape(-1, 2)
        points = np.cumsum(np.vstack([[int(path[0]), int(path[1])], numbers]), axis=0)
        assert points[:, 0].min() >= 0
        assert points[:, 0].max() <= WIDTH
        assert points[:, 1].min() >= 0
        assert points[:, 1].max() <= HEIGHT


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (0.25, "0.25"), (1e-5, "1e-5"), (20_000, "20k"), (3e7, "3e7"), (600, "600")]
)
def test_ticks_are_short(value, text):
    assert tick_text(value) == text


def test_the_interval_of_a_proportion_lies_over_the_bases():
    svg = forest_row(0.92, (0.62, 1.0), (0.0, 0.38), "restores")
    assert 'aria-label="0.92, 95 % interval 0.62 to 1.00"' in svg
    assert "s-restores" in svg
    assert 'class="fb"' in svg


def test_verdict_bars_fill_their_width():
    widths = [float(w) for w in re.findall(r'width="([\d.]+)"', bar([("converged", 1), ("crash", 3)]))]
    assert math.isclose(sum(widths), 100)
    assert "b-failed" in bar([("crash", 3)])
