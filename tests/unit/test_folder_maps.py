"""The docstring of a large folder says what each of its modules is for."""

import pkgutil
import re

import pytest

from sweep import analysis, launch, report, stats, store, study, worker
from sweep.analysis import checks as readers
from sweep.worker import checks

FOLDERS = (analysis, readers, launch, report, stats, store, study, worker, checks)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.__name__)
def test_the_map_of_a_folder_names_each_of_its_modules_once(folder):
    named = re.findall(r"^  (\w+)  ", folder.__doc__, re.MULTILINE)
    there = {module.name for module in pkgutil.iter_modules(folder.__path__)} - {"__main__"}
    assert sorted(named) == sorted(there)
