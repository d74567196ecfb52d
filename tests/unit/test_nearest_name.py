"""What is meant by a name that is not there: on the command line as in a config."""

import pytest

from sweep.cli.main import main
from sweep.drivers.optuna_settings import PRUNERS, SAMPLERS
from sweep.errors import nearest
from sweep.plan.designs import DESIGNS


@pytest.mark.parametrize(
    ("typed", "meant", "allowed"),
    [
        ("full", "full_factorial", DESIGNS),
        ("one", "one_at_a_time", DESIGNS),
        ("Pairs", "pairs", DESIGNS),
        ("plackett", "plackett_burman", DESIGNS),
        ("leav_one_out", "leave_one_out", DESIGNS),
        ("tpe", "TPESampler", SAMPLERS),
        ("median", "MedianPruner", PRUNERS),
        ("val/acc", "val/acc_top1", ["val/acc_top2", "val/acc_top1", "val/loss"]),
        ("x", None, DESIGNS),
        ("bayes", None, DESIGNS),
    ],
)
def test_the_nearest_name_is_one_alike_or_one_that_begins_with_the_word(typed, meant, allowed):
    assert nearest(typed, allowed) == meant


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["status", "--wach"], ("there is no option --wach", "--interval", "did you mean '--watch'?")),
        (["ls", "--jsn"], ("there is no option --jsn", "did you mean '--json'?")),
        (["gc", "--dry-runn"], ("there is no option --dry-runn", "did you mean '--dry-run'?")),
        (["plan", "--jsn", "task=digits_mlp"], ("there is no option --jsn", "did you mean '--json'?")),
        (["--cgf", "task=digits_mlp"], ("there is no option --cgf", "did you mean '--cfg'?")),
        (["baseline", "acept"], ("'acept'", "allowed: accept, show, diff", "did you mean 'accept'?")),
        (["rerun", "s", "--state", "faild"], ("--state", "'faild'", "did you mean 'failed'?")),
        (["show", "base"], ("'base'", "trial", "python -m sweep show --help")),
        (["show", "0", "mine-base"], ("unexpected", "--study mine-base")),
        (["ls", "mine"], ("python -m sweep ls: ", "mine", "python -m sweep ls --help")),
        (["+diagnose"], ("is neither a command nor an override", "without spaces; did you mean +diagnose=NAME?")),
        (["+task", "=mine"], ("did you mean task=NAME?",)),
    ],
)
def test_a_wrong_word_behind_a_verb_is_answered_with_what_is_allowed_and_the_nearest(words, said, capsys):
    assert main(words) == 2
    error = capsys.readouterr().err
    for part in said:
        assert part in error
