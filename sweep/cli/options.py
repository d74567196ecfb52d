"""The options of a command that takes overrides: sweep's own, and those that Hydra users type."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sweep.cli.main import Parser
from sweep.cli.scripts import CFG_KINDS, as_overrides, check_option
from sweep.errors import UsageError
from sweep.study.decisions import DEFAULT_LEVEL, LEVELS

_NEEDLESS = frozenset({"--run", "-r", "--resolve"})
"""Options without effect: the command runs anyway, and the config is always printed with references resolved."""

_SHORT = {"-cd": "--config-dir", "-c": "--cfg", "-p": "--package"}

_STANDS_IN = {
    ("--multirun", "-m"): "leave it out: a study is many runs. +axis=[...] tries changes, seeds=5 tries seeds, and "
    "+search=tpe '+params.task.lr=interval(1e-4, 1e-1)' tries values",
    ("--info", "-i"): "--cfg prints the composed config; python -m sweep plan OVERRIDES prints the trials",
    ("--hydra-help",): "python -m sweep --help; docs/config.md has every key",
    ("--config-path", "-cp"): "--config-dir DIR adds a folder with your own task/, axis/, ablation/ files",
    ("--config-name", "-cn"): "--config-dir DIR task=NAME selects your file DIR/task/NAME.yaml",
    ("--shell-completion", "-sc"): "sweep has no shell completion; python -m sweep --help lists the verbs",
    ("--experimental-rerun",): "run the same command again to resume its study",
}  # fmt: skip
"""Hydra options that sweep does not have, and their equivalents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """A command line taken apart.

    `words` is the command as it is recorded. `is_cfg` asks for the config to be printed, `package` for one section of
    it. `log_level` is not recorded: it changes nothing that a study does.
    """

    words: tuple[str, ...]
    overrides: tuple[str, ...]
    config_dirs: tuple[Path, ...]
    is_cfg: bool
    package: str | None
    is_json: bool
    log_level: str


def read_options(prog: str, arguments: Sequence[str], *, is_plan: bool) -> RunOptions:
    """Return the options and overrides of a command line, in any order. Raises UsageError.

    A script and its arguments are overrides by then (domain/script_words.py).
    """
    parser = Parser(
        prog=prog,
        usage="%(prog)s [SCRIPT.py] [--config-dir DIR]... [OVERRIDES] [-- ARGUMENTS]",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--config-dir",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="a folder with your own task/, axis/, ablation/ files; repeatable",
    )
    if is_plan:
        parser.add_argument("--json", action="store_true", help="print plan.json and the cost estimate as JSON")
    else:
        parser.add_argument("--cfg", action="store_true", help="print the composed config and run nothing")
        parser.add_argument("--package", metavar="SECTION", help="with --cfg: print only this section")
        add_log_level(parser)
    words = _as_ours(as_overrides(arguments))
    if is_plan and "--cfg" in words:
        hint = shlex.join(["python", "-m", "sweep", *arguments])
        raise UsageError("--cfg prints the config and plan prints the trials; use one of them", hint=hint)
    args, overrides = parser.parse_known_args(words)
    for word in overrides:
        if word.startswith("-"):
            check_option(word, arguments)
            parser.refuse_option(word)
    is_cfg, package = getattr(args, "cfg", False), getattr(args, "package", None)
    if package is not None and not is_cfg:
        raise UsageError("--package needs --cfg", hint=f"--cfg --package {package}")
    return RunOptions(
        words=_without_log_level(words),
        overrides=tuple(overrides),
        config_dirs=tuple(args.config_dir),
        is_cfg=is_cfg,
        package=package,
        is_json=getattr(args, "json", False),
        log_level=getattr(args, "log_level", DEFAULT_LEVEL),
    )


def add_log_level(parser: Parser) -> None:
    """Add the option for the level of the orchestrator's log."""
    parser.add_argument(
        "--log-level",
        choices=LEVELS,
        default=DEFAULT_LEVEL,
        metavar="LEVEL",
        help=f"level of orchestrator.log in the study's folder: {', '.join(LEVELS)} (default: {DEFAULT_LEVEL})",
    )


def _without_log_level(words: Sequence[str]) -> tuple[str, ...]:
    before = ["", *words]
    return tuple(word for at, word in enumerate(words) if "--log-level" not in (word.partition("=")[0], before[at]))


def _as_ours(arguments: Sequence[str]) -> list[str]:
    """Return the words with Hydra's options as sweep spells them. Raises UsageError for unknown ones."""
    kept: list[str] = []
    for word in arguments:
        option, is_given, value = word.partition("=")
        for names, instead in _STANDS_IN.items():
            if option in names:
                raise UsageError(f"{option} is a Hydra option that sweep does not have", hint=instead)
        kind = value if option == "--cfg" and is_given else word
        is_kind = kind in CFG_KINDS and (option == "--cfg" or kept[-1:] == ["--cfg"])
        if is_kind and kind == "hydra":
            raise UsageError(
                "--cfg hydra: unknown section; sweep composes its config with Hydra but is not a Hydra application",
                hint="--cfg job prints the config",
            )
        if is_kind and is_given:
            kept.append(option)
        elif not is_kind and option not in _NEEDLESS:
            kept.append(_SHORT.get(word, word))
    return kept
