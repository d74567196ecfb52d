"""The arguments of a script are kept as text: through the recorded command, and through the composed config."""

from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from sweep.config.overrides import parse_overrides
from sweep.domain.script_words import END, expanded, folded, quoted_if_needed, unquoted

TEXT = st.text(alphabet="ab'\\${}[],=\" \n-:é?#%", max_size=12) | st.text(max_size=8)


def read(words):
    """Return the arguments that a config composed of these overrides has."""
    config = OmegaConf.create({"task": {"args": []}})
    for override in parse_overrides([word for word in words if word.startswith("task.args")]).hydra:
        OmegaConf.update(config, override.key_or_group, override.value())
    return OmegaConf.to_container(config, resolve=True)["task"]["args"]


@given(st.lists(TEXT, max_size=4))
def test_the_round_trip_of_a_scripts_arguments(args):
    typed = ["train.py", "seeds=2", *([END, *args] if args else [])]
    assert folded(expanded(typed)) == typed
    assert read(expanded(typed)) == args


@given(TEXT.map(lambda text: f"{text}.py"))
def test_the_round_trip_of_a_scripts_path(path):
    assert unquoted(quoted_if_needed(path)) == path
