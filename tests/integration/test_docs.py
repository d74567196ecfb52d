"""Whatever a user can type is on a page, and the pages name nothing that is not there."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from sweep.cli.main import VERBS, main
from sweep.domain.script_words import is_script
from sweep.judge import RULES
from sweep.plan import DESIGNS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def first_cells(text: str) -> set[str]:
    """Return the code words in the first column of a page's tables."""
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("|")]
    return {word for cell in rows for word in re.findall(r"`([^`]+)`", cell)}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_documented(verb):
    assert re.search(
        rf"`(python -m sweep )?{verb}\b", "".join(path.read_text(encoding="utf-8") for path in DOCS.glob("*.md"))
    )


def test_every_axis_is_documented_with_its_levels():
    named = first_cells(page("axes.md"))
    for path in (ROOT / "conf" / "axis").glob("*.yaml"):
        [(axis, body)] = yaml.safe_load(path.read_text()).items()
        assert axis in named
        row = next(line for line in page("axes.md").splitlines() if line.startswith(f"| `{axis}`"))
        assert all(f"`{level}`" in row for level in body["levels"])


def test_every_ablation_and_design_is_documented():
    ablations = {path.stem for path in (ROOT / "conf" / "ablation").glob("*.yaml")}
    assert ablations <= first_cells(page("axes.md"))
    assert set(DESIGNS) <= first_cells(page("studies.md").replace("(default)", ""))


@pytest.mark.parametrize("group", ["driver", "launcher", "converge"])
def test_every_config_key_is_documented_and_every_documented_key_exists(group):
    keys = {
        f"{group}.{key}" for path in (ROOT / "conf" / group).glob("*.yaml") for key in yaml.safe_load(path.read_text())
    }
    documented = {key for key in first_cells(page("config.md")) if key.startswith(f"{group}.")}
    assert documented == keys


def test_every_symptom_rule_is_documented():
    named = first_cells(page("symptoms.md"))
    assert set(RULES) <= named


def test_every_threshold_of_a_symptom_rule_is_documented_and_every_documented_one_exists():
    keys = set(yaml.safe_load((ROOT / "conf" / "symptoms" / "default.yaml").read_text()))
    text = page("symptoms.md")
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| `")]
    named = {key for row in rows for key in re.findall(r"`([a-z_]+)`", row[3])}
    assert named <= keys
    assert keys <= named | set(re.findall(r"\(`([a-z_]+)`\)", text))


PAGES = [*sorted(DOCS.rglob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]


def anchors(path: Path) -> set[str]:
    """Return the anchors that a page's headings get on GitHub."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_pages_lead_to_a_file_and_a_heading(path):
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)]+))?\)", path.read_text(encoding="utf-8")):
        if "://" not in target:
            page_of = path.parent / target if target else path
            assert page_of.exists(), target
            assert not anchor or anchor in anchors(page_of), (target, anchor)


def readme_script() -> str:
    """Return the script that the README's commands write and run."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return text.partition("cat > train.py <<'END'\n")[2].partition("END\n")[0]


def written_commands() -> list[str]:
    """Return the study commands of the README and of the pages that are complete as they stand."""
    text = (ROOT / "README.md").read_text(encoding="utf-8") + page("studies.md") + page("search.md")
    lines = re.findall(r"^(?:pip install .* && )?(python -m sweep .*)$", text, flags=re.MULTILINE)
    return sorted({line.partition("  #")[0].strip() for line in lines if "--config-dir" not in line})


@pytest.mark.parametrize("command", written_commands())
def test_every_written_command_composes(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(readme_script())
    words = shlex.split(command, comments=True)[3:]
    if "=" in words[0] or is_script(words[0]):  # a study: planning it composes and validates every trial
        words = ["plan", *words]
    else:
        assert words[0] in VERBS
        words = [words[0], "--help"] if words[0] != "plan" else words
    assert run(words) == 0, capsys.readouterr().err


def run(words: list[str]) -> int:
    try:
        return main(words)
    except SystemExit as leave:  # argparse leaves this way after --help
        return int(leave.code or 0)
