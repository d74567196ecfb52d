import pkgutil
import re

from sweep import study


def test_the_map_of_the_study_folder_names_each_of_its_modules_once():
    named = re.findall(r"^  (\w+)  ", study.__doc__, re.MULTILINE)
    assert sorted(named) == sorted(module.name for module in pkgutil.iter_modules(study.__path__))
