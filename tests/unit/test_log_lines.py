"""Paddle's warning about ccache is no part of what a task printed."""

from sweep.rundir.logs import readable_lines

WARNING = [
    "/lib/paddle/utils/cpp_extension/extension_utils.py:712: UserWarning: No ccache found. Please be aware ...\n",
    "  warnings.warn(warning_message)\n",
]


def test_the_warning_and_its_line_of_source_are_left_out():
    assert list(readable_lines([*WARNING, "epoch 1\n", "epoch 2\n"])) == ["epoch 1\n", "epoch 2\n"]


def test_a_tasks_own_warnings_stay():
    own = ["task.py:3: UserWarning: lr is 0\n", "  warnings.warn('lr is 0')\n", "done\n"]
    assert list(readable_lines(own)) == own
    assert list(readable_lines([WARNING[0], *own])) == own
