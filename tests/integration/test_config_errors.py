"""Whatever is wrong with a config: one error, of our own, that names the key and a way out."""

import pytest

from sweep.config import load_study_config
from sweep.errors import ConfigError
from sweep.launch import check_launcher
from sweep.study.planning import driver_of

TASK = """
# @package _global_
task: {_target_: usertask.train, dropout: 0.5, augmentation: true, clip: null, lr: 0.1, width: 8}
converge: {metric: val/acc, target: 0.9, budget_steps: 50}
"""

FILES = {
    "task/user.yaml": TASK,
    "task/nopackage.yaml": "task: {_target_: usertask.train}\nconverg: {budget_steps: 3}\n",
    "task/open.yaml": "task:\n  _target_: usertask.train\n  must: ???\nconverge: {target: 0.9, metric: val/acc}\n",
    "task/tab.yaml": "task:\n\t_target_: usertask.train\n",
    "task/twice.yaml": "_target_: usertask.train\nlr: 1\nlr: 2\n",
    "task/unquoted.yaml": "task: {_target_: usertask.train, must: ???}\n",
    "task/unclosed.yaml": "task:\n  _target_: \"usertask.train\n",
    "task/latin.yaml": "# caf\u00e9\n_target_: usertask.train\n",
    "task/words.yaml": "just words\n",
    "task/leadsnowhere.yaml": "_target_: usertask.train\na: ${task.nope}\n",
    "task/leadsback.yaml": "_target_: usertask.train\na: ${task.b}\nb: ${task.a}\n",
    "task/nofunction.yaml": "_target_: usertask.train\na: ${nofunction:1}\n",
    "task/unset.yaml": "_target_: usertask.train\na: [1, '${oc.env:SURELY_NOT_SET}']\n",
    "task/dotted.yaml": "_target_: usertask.train\nopt.lr: 1\nconverge: {budget_steps: 3}\n",
    "task/defaults.yaml": "defaults: user\n_target_: usertask.train\n",
    "task/chosentwice.yaml": "defaults: [user, /driver: optuna]\n",
    "task/drivertypo.yaml": TASK + "driver: {desing: pairs}\n",
    "task/symptomtypo.yaml": TASK + "symptoms: {gradient_nrm: 1}\n",
    "task/nodriver.yaml": TASK + "driver: null\n",
    "task/watch.yaml": TASK + "watch: off\n",
    "task/noseeds.yaml": TASK + "seeds: null\n",
    "task/itself.yaml": "task: &a {_target_: usertask.train, b: *a}\n",
    "task/ofitself.yaml": "defaults: [ofitself, _self_]\n",
    "task/twonames.yaml": "defaults: [{a: b, c: d}]\n",
    "task/convergelist.yaml": "_target_: usertask.train\nconverge: [1]\n",
    "task/elsewhere.yaml": "# @package other\n_target_: usertask.train\n",
    "task/nokey.yaml": "_target_: usertask.train\nnull: 1\n",
    "converge/strict.yaml": "target: 0.99\n",
    "task/notarget.yaml": "# @package _global_\ntask: {lr: 1}\nconverge: {budget_steps: 1}\n",
    "task/nobudget.yaml": "# @package _global_\ntask: {_target_: usertask.train}\n",
    "task/infinite.yaml": TASK.replace("clip: null", "clip: .inf"),
    "task/badyaml.yaml": "# @package _global_\ntask: {_target_: usertask.train\n",
    "task/badreference.yaml": '# @package _global_\ntask: {_target_: usertask.train, a: "${oc.foo:"}\n',
    "task/unknown.yaml": TASK + "budget: 3\n",
    "task/unknown_converge.yaml": TASK.replace("target: 0.9", "traget: 0.9"),
    "axis/unquoted.yaml": "# @package axes\nunquoted: {levels: {off: [task.lr=1]}}\n",
    "ablation/broken.yaml": "# @package _global_\ndefaults:\n  - /axis: [dropout, nope]\nablation: {skip: null}\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("project")
    (root / "usertask.py").write_text("def train(cfg, run): pass\n")
    for name, text in FILES.items():
        path = root / "conf" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="latin-1" if name == "task/latin.yaml" else "utf-8")
    (root / "conf" / "task" / "gone.yaml").symlink_to("nowhere.yaml")  # is left out, and disturbs nothing
    return root / "conf"


def check(study):
    """Do what `plan` and a run do before anything is written."""
    driver_of(study)
    check_launcher(study.launcher)


def refused(folder, monkeypatch, overrides):
    monkeypatch.chdir(folder.parent)
    chosen = overrides if any(text.startswith("task=") for text in overrides) else ["task=user", *overrides]
    with pytest.raises(ConfigError) as caught:
        check(load_study_config(chosen, [folder]).study)
    assert caught.value.exit_code == 2
    return caught.value


CASES = {
    # typos: key, and words of the message
    "task.dropuot=0": ("task.dropuot", "did you mean 'task.dropout'"),
    "converg.target=1": ("converg", "did you mean 'converge'"),
    "converge.tagret=1": ("converge.tagret", "did you mean 'converge.target'"),
    "launcher.slotz=2": ("launcher.slotz", "did you mean 'launcher.slots'"),
    "driver.desing=pairs": ("driver.desing", "did you mean 'driver.design'"),
    "store.ulr=x": ("store.ulr", "did you mean 'store.url'"),
    "sedes=3": ("sedes", "did you mean 'seeds'"),
    "+foo=1": ("foo", "allowed: ablation, axes, confirm, converge"),
    "+launcher.foo=1": ("launcher.foo", "allowed: gpu_memory_mb"),
    "+driver.foo=1": ("driver.foo", "allowed: design, name"),
    "+converge.foo=1": ("converge.foo", "unknown key"),
    # names that are not there
    "task=digit": ("task", "did you mean 'digits_cnn'"),
    "+ablation=regularisation": ("ablation", "did you mean 'regularization'"),
    "ablation=regularization": ("ablation", "+ablation=regularization"),
    "+search=tpee": ("search", "did you mean 'tpe'"),
    "driver=optna": ("driver", "did you mean 'optuna'"),
    "driver.name=gird": ("driver.name", "did you mean 'grid'"),
    "launcher=slurm": ("launcher", "allowed: local"),
    "launcher.name=ray": ("launcher.name", "allowed: local"),
    "+axis=[dorpout]": ("axis", "did you mean 'dropout'"),
    "axis=[dropout]": ("axis", "+axis=[dropout]"),
    "~axes.foo": ("axes.foo", "no such axis"),
    "+ablation=broken": ("axis", "a defaults list names a config file that does not exist (value: 'nope')"),
    "task._target_=nowhere.train": ("task._target_", "module nowhere not found"),
    "task._target_=usertask.trian": ("task._target_", "did you mean 'train'"),
    "+task=user": ("task", "without a +"),
    "task=[user]": ("task", "one option"),
    "+check=[data,overfit]": ("check", "choose one option (value: '+check=[data,overfit]')"),
    "task=digits_mlp,digits_cnn": ("task", "task=NAME"),
    "+axis=dropout,lr": ("axis", "+axis=[dropout,lr]"),
    "~task": ("task", "cannot be removed"),
    "~seeds": ("seeds", "cannot be removed"),
    # axes
    "axes.x.levels.off=[task.nope=1]": ("axes.x.levels.off", "allowed: task.augmentation, task.clip, task.dropout"),
    "+axes.x.levels.off=[seeds=1]": ("axes.x.levels.off", "only set keys of the task"),
    "+axes.x.levels.a=[task.lr=0.10]": ("axes.x.levels.a", "equals the baseline"),
    "+axes.x={levels: {a: [task.lr=1], b: [task.lr=1.0]}}": ("axes.x.levels.b", "the same as level 'a'"),
    "+axis=[unquoted]": ("axes.unquoted.levels", 'quote it: "off"'),
    '+axes.x={levels: {"a<b>": [task.lr=2]}}': ("axes.x", "level names have letters, digits and . _ + -"),
    "+axes.x={levels: {a: [task.clip=null], b: [task.clip=1.0]}}": ("axes.x.levels.a", "~axes.x.levels.a"),
    "+axis=[input_norm]": ("axes.input_norm.levels.standardize", "by hand: scale the inputs in data(cfg)"),
    "+ablation=regularization": ("axes.weight_decay.levels.off", "~axes.weight_decay"),
    "axes=3": ("axes", "section of axes"),
    "+axes.x=3": ("axes.x", "section"),
    # empty plans
    "seeds=0": ("seeds", "the plan is empty"),
    "seeds=[]": ("seeds", "the plan is empty"),
    "driver=optuna": ("params", "the plan is empty"),
    # wrong types and values
    "seeds=abc": ("seeds", "a whole number or a list"),
    "seeds=2.5": ("seeds", "a whole number or a list"),
    "seeds=null": ("seeds", "null"),
    "seeds=[1,1]": ("seeds", "occurs twice"),
    "seeds=[0,-1]": ("seeds", "0 or more"),
    "seeds=[9223372036854775808]": ("seeds", "each at most"),
    "seeds=[0.5]": ("seeds", "whole number"),
    "seeds=1e9": ("seeds", "at most 10000"),
    "converge.budget_steps=1e30": ("converge.budget_steps", "at most"),
    "converge.budget_steps=0.5": ("converge.budget_steps", "whole number"),
    "converge.hold=1180591620717411303424": ("converge.hold", "at most"),
    "converge.target=1" + "0" * 400: ("converge.target", "finite number"),
    "launcher.retries=9223372036854775808": ("launcher.retries", "at most"),
    "launcher.slots=1e30": ("launcher.slots", "at most"),
    "launcher.timeout_s=1e300": ("launcher.timeout_s", "at most"),
    "launcher.grace_s=1e300": ("launcher.grace_s", "at most"),
    "launcher.memory_mb=1e15": ("launcher.memory_mb", "at most"),
    "task.lr=1" + "0" * 400: ("task.lr", "too large"),
    "task.width=1" + "0" * 5000: ("task.width", "too many digits"),
    "task.lr='0.5'": ("task.lr", "without quotes"),
    "task.lr.x=1": ("task.lr", "is one value"),
    "converge={target: 1}": ("converge", "converge.KEY=VALUE"),
    "~axes.dropout": ("axes.dropout", "axes here: none"),
    "~params.task.lr": ("params.task.lr", "params here: none"),
    "probe={name: x}": ("probe.name", "allowed: data"),
    "seeds=[a]": ("seeds", "whole number"),
    "seeds=1,2": ("seeds", "for a list: seeds=[1,2]"),
    "seeds=1000000000": ("seeds", "at most"),
    "converge.mode=up": ("converge.mode", "allowed: max, min"),
    "converge.target=high": ("converge.target", "finite number"),
    "converge.metric=null": ("converge.metric", "a target needs its metric"),
    "converge.budget_steps=0": ("converge.budget_steps", "1 or more"),
    "converge.hold=0": ("converge.hold", "1 or more"),
    "converge.stop_early=maybe": ("converge.stop_early", "true or false"),
    "launcher.slots=0": ("launcher.slots", "1 or more"),
    "launcher.slots=aut": ("launcher.slots", "auto or a whole number, 1 or more"),
    "launcher.slots=atuo": ("launcher.slots", "did you mean 'auto'"),
    "launcher.start=wrm": ("launcher.start", "did you mean 'warm'"),
    "launcher.start=stand": ("launcher.start", "did you mean 'standby'"),
    "watch=lihgt": ("watch", "did you mean 'light'"),
    "watch=Deep": ("watch", "did you mean 'deep'"),
    "converge.mode=maximise": ("converge.mode", "did you mean 'max'"),
    "+search=lr": ("search", "did you mean 'lr_range'"),
    "launcher.gpus=all": ("launcher.gpus", "auto or a list"),
    "launcher.retries=-1": ("launcher.retries", "0 or more"),
    "launcher.timeout_s=-1": ("launcher.timeout_s", "above 0"),
    "launcher.grace_s=null": ("launcher.grace_s", "a finite number above 0"),
    "launcher.grace_s=-1": ("launcher.grace_s", "a finite number above 0 (value: -1)"),
    "store=3": ("store", "section"),
    "store.url=null": ("store.url", "null"),
    "task.dropout=abc": ("task.dropout", "a number (0.5), but this is text"),
    "task.augmentation=1": ("task.augmentation", "true or false"),
    "task.lr={a: 1}": ("task.lr", "not a section"),
    "task.lr=${task.nope}": ("task.lr", "task.nope"),
    "study=a/b": ("study", "folder"),
    "study=..": ("study", "folder"),
    "study=x.db": ("study", ".db"),
    # searches
    "+params.task.lr=interval(0,1)": ("params", "+search=tpe"),
    "+params.task.lrr=interval(0,1)": ("params.task.lrr", "did you mean task.lr"),
    "+params.lr=interval(0,1)": ("params.lr", "params.task.lr"),
    "+params.task.lr=3": ("params.task.lr", "is one value"),
    "+params.task.lr=intervall(0,1)": ("params.task.lr", "allowed: choice(a, b)"),
    "+params.task.lr=choice(a,b)": ("params.task.lr", "this is text"),
    "+params.task.width=interval(1,9)": ("params.task.width", "int(interval(2, 8))"),
    # files
    "task=nopackage": ("converg", "did you mean 'converge'"),
    "task=notarget": ("task._target_", "is missing"),
    "task=nobudget": ("converge.budget_steps", "add `converge: {metric: val/acc, mode: max, target: 0.9, budget"),
    "task=open": ("converge.budget_steps", "add `budget_steps: 300` to the section `converge:` of open.yaml"),
    "task=tab": ("config file", "tab.yaml is not valid YAML in line 2, column 1: a tab"),
    "task=twice": ("config file", "line 3, column 1: this key occurs twice: lr"),
    "task=unquoted": ("config file", 'quote it: "???"'),
    "task=unclosed": ("config file", "before a bracket, brace or quote is closed"),
    "task=latin": ("config file", "UTF-8"),
    "task=words": ("config file", "keys with values"),
    "task=leadsnowhere": ("converge.budget_steps", "is missing"),
    "task=leadsback": ("converge.budget_steps", "is missing"),
    "task=dotted": ("task", "a key must not contain . [ ] (value: 'opt.lr')"),
    "task=defaults": ("config file", "defaults must be a list"),
    "task=drivertypo": ("driver.desing", "did you mean 'driver.design'"),
    "task=symptomtypo": ("symptoms.gradient_nrm", "did you mean 'symptoms.gradient_norm'"),
    "task=nodriver": ("driver", "a section"),
    "task=watch": ("watch", 'quote it, "off"'),
    "task=noseeds": ("seeds", "null"),
    "task=itself": ("config file", "contains itself"),
    "task=ofitself": ("config", "includes its own file"),
    "task=twonames": ("config file", "defaults must be a list"),
    "task=convergelist": ("config", "into a list or a single value"),
    "task=elsewhere": ("other", "unknown key"),
    "task=nokey": ("config file", "must be text"),
    "task.\u0434=1": ("task.\u0434", "letters a to z"),
    "task=chosentwice": ("config", "override /driver: NAME"),
    "task=infinite": ("task.clip", "finite"),
    "task=badyaml": ("config file", "badyaml.yaml"),
    "task=badreference": ("config file", "badreference.yaml: task.a is not a reference"),
    "task=unknown": ("budget", "unknown key"),
    "task=unknown_converge": ("converge.traget", "did you mean 'converge.target'"),
}  # fmt: skip


@pytest.mark.parametrize("override", CASES)
def test_an_error_names_its_key_and_a_way_out(folder, monkeypatch, override):
    key, words = CASES[override]
    error = refused(folder, monkeypatch, [override])
    assert error.key == key
    assert words in str(error)


@pytest.mark.parametrize("overrides", [["+search=tpe", "~params.task.lr"], ["+search=tpe", "params.task.lr=3"]])
def test_a_search_over_nothing_is_refused(folder, monkeypatch, overrides):
    assert refused(folder, monkeypatch, overrides).key.startswith("params")


REFERENCES = {
    "leadsnowhere": "refers to task.nope, which does not exist (value: '${task.nope}')",
    "leadsback": "it refers to itself",
    "nofunction": "an unknown kind of reference",
    "unset": "the environment variable SURELY_NOT_SET, which is not set",
}


@pytest.mark.parametrize("task", REFERENCES)
def test_a_reference_that_leads_nowhere_is_named_with_the_key_that_has_it(folder, monkeypatch, task):
    error = refused(folder, monkeypatch, [f"task={task}", "converge.budget_steps=3"])
    assert error.key == "task.a"
    assert REFERENCES[task] in str(error)


def test_a_key_that_the_file_leaves_open_is_named_and_set_from_the_command_line(folder, monkeypatch):
    error = refused(folder, monkeypatch, ["task=open", "converge.budget_steps=50"])
    assert (error.key, error.hint) == ("task.must", "task.must=VALUE")
    study = load_study_config(["task=open", "converge.budget_steps=50", "task.must=7"], [folder]).study
    assert study.target.budget_steps == 50
    assert study.task["must"] == 7


def test_a_file_that_leaves_keys_of_its_section_out_is_answered_with_the_list_that_takes_them_over(folder, monkeypatch):
    error = refused(folder, monkeypatch, ["converge=strict"])
    assert error.key.startswith("converge.")
    assert "`defaults: [default, _self_]`" in str(error)


LIBRARY_WORDS = (
    "nterpolation",
    "Missing mandatory",
    "OmegaConf",
    "Hydra",
    "viable",
    "mismatched",
    "struct",
    "full_key",
)


@pytest.mark.parametrize(
    "override", [*CASES, "a=[1", "task.lr=<1>", "task.lr=a=b", 'task.lr="x', "task.lr=${a", "seeds=]"]
)
def test_no_message_has_the_words_of_a_library(folder, monkeypatch, override):
    error = refused(folder, monkeypatch, [override])
    assert not [word for word in LIBRARY_WORDS if word in error.message]


def test_an_ablation_of_which_nothing_is_left_is_an_empty_plan(folder, monkeypatch):
    error = refused(folder, monkeypatch, ["+ablation=optimization", "~axes.clip"])
    assert "the plan is empty" in str(error)
    assert "the task has no knob task.lr_scale" in str(error)


def test_a_level_that_is_not_there_cannot_be_removed(folder, monkeypatch):
    error = refused(folder, monkeypatch, ["+axis=[clip]", "~axes.clip.levels.of"])
    assert error.key == "axes.clip.levels.of"
    assert "did you mean ~axes.clip.levels.off" in str(error)


def test_a_task_of_ones_own_without_its_folder_is_answered_with_the_option_that_names_it(folder):
    with pytest.raises(ConfigError, match=r"your own files, such as task/quux\.yaml: --config-dir DIR"):
        load_study_config(["task=quux"])
    with pytest.raises(ConfigError) as caught:
        load_study_config(["task=quux"], [folder])
    assert "--config-dir" not in str(caught.value)


def test_a_config_dir_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match="does not exist"):
        load_study_config([], [tmp_path / "nowhere"])
