"""Names whose folder below results/ is not a study's, and where the documentation is."""

import pytest

from sweep.cli.main import main
from sweep.config.folders import check_free, docs_root
from sweep.errors import ConfigError


@pytest.mark.parametrize("name", ["benchmarks", "Benchmarks"])
def test_the_folder_of_sweeps_own_tables_is_no_study(name):
    with pytest.raises(ConfigError, match="reserved") as caught:
        check_free(name)
    assert caught.value.exit_code == 2
    assert f"study={name}-1" in str(caught.value)
    check_free(f"{name}-1")


def test_help_says_where_the_documentation_is(capsys):
    assert main(["--help"]) == 0
    assert str(docs_root()) in capsys.readouterr().out
    assert (docs_root() / "report.md").is_file()
