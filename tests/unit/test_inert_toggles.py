"""Why a toggle changes nothing: a kind, which a record keeps as its words."""

import pytest
from recorded_study import make_study, url_of

from sweep.domain.axis import Toggle
from sweep.domain.inert import InertReason, InertToggle
from sweep.store import Store
from sweep.study.results import report_data

CLIP = Toggle("clip", "off")


@pytest.mark.parametrize(
    "toggle",
    [InertToggle.no_knob(CLIP, "task.clip"), InertToggle.at_baseline(CLIP),
     InertToggle(toggle=CLIP, reason=InertReason.OTHER, text="it is off")],
)  # fmt: skip
def test_a_record_keeps_why_a_toggle_changes_nothing(toggle):
    assert InertToggle.recorded(str(toggle.toggle), toggle.text) == toggle


def test_a_record_of_pairs_of_text_is_read(tmp_path):
    with Store.open(url_of(tmp_path)) as store:
        study = make_study(store, tmp_path, inert=[["clip=off", "the task has no knob task.clip"]])
        (effect,) = [e for e in report_data(store, study, wall_s=0.0).ranking.effects if e.toggle == CLIP]
    assert (effect.status, effect.note) == ("inert", "the task has no knob task.clip")
