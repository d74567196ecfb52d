"""The YAML of a config file means the same whatever OmegaConf reads configs with."""

import pytest
import yaml

from sweep.config.yaml_text import yaml_data


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1_000", 1000),
        (".5", 0.5),
        ("5.", 5.0),
        ("1_0.5", 10.5),
        ("2024-01-02", "2024-01-02"),
        ("on", True),
        ("'1e-3'", "1e-3"),
        ("~", None),
        ("[1, 2]", [1, 2]),
        ("0.7000000000000001", 0.7000000000000001),
    ],
)
def test_a_value_is_read(text, value):
    found = yaml_data(f"key: {text}")["key"]
    assert (found, type(found)) == (value, type(value))


def test_keys_of_a_merge_come_first_in_their_order():
    text = "base: &base {b: 1, a: 2}\nnext: {z: 0, <<: *base, a: 3}"
    assert list(yaml_data(text)["next"].items()) == [("b", 1), ("a", 3), ("z", 0)]


def test_a_merge_of_a_merge_gives_no_key_twice():
    text = "one: &one {a: 1}\ntwo: &two {<<: *one, a: 2}\nthree: {<<: *two, a: 3}"
    found = yaml_data(text)
    assert [found[name]["a"] for name in ("one", "two", "three")] == [1, 2, 3]


def test_a_key_that_stands_twice_is_refused_where_it_stands():
    with pytest.raises(yaml.YAMLError) as caught:
        yaml_data("a:\n  lr: 1\n  lr: 2\n")
    assert "duplicate key lr" in str(caught.value)
    assert caught.value.problem_mark.line == 2


def test_a_text_of_more_than_10000_nodes_is_read():
    assert len(yaml_data("all: [" + ", ".join(["1"] * 10_001) + "]")["all"]) == 10_001


def test_an_anchor_may_be_used_many_times():
    uses = "\n".join(f"k{i}: *a" for i in range(300))
    assert len(yaml_data(f"a: &a {{{', '.join(f'x{i}: 1' for i in range(40))}}}\n{uses}")) == 301
