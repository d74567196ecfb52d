"""Picks the command and turns errors into exit codes."""

import argparse
import errno
import gc
import os
import shlex
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from io import TextIOWrapper
from typing import Any, NoReturn

from sweep.config.folders import docs_root
from sweep.config.stores import default_store, verbs_store
from sweep.domain.printable import printable
from sweep.errors import SweepError, UsageError, nearest
from sweep.rundir.lock import END_SIGNAL

USAGE = """\
usage: python -m sweep [--config-dir DIR]... [OVERRIDES]    run a study
       python -m sweep VERB [ARGUMENTS]                     plan, read or act on studies

`sweep` is the same command, shorter.

sweep finds out which change makes a PaddlePaddle training run converge, how sure that is, and what it cost.

run a study
  python -m sweep task=NAME                       run the base over its seeds: does it converge, with which symptoms
  python -m sweep task=NAME +diagnose=full        the whole road: checks, base, learning rate, ablation; one answer
  python -m sweep +check=all                      look at the data; can it learn ten samples? (also =data, =overfit)
  python -m sweep +ablation=regularization        toggle dropout, weight decay, augmentation; rank what restores
  python -m sweep +ablation=optimization          the same for init, scheduler, clip, lr, optimizer
  python -m sweep +search=lr_range                learning-rate range, point and overrides, confirmed by short trials
  python -m sweep +search=tpe '+params={...}'     Optuna search over axes and params
  python -m sweep +regression=nightly             train the night's tasks, compare with their accepted baselines
  Any Hydra override goes: seeds=8, study=NAME, converge.target=0.9, launcher.slots=4, '~axes.dropout'.
  --config-dir DIR adds a folder with your own task/, axis/, ablation/ files.
  --cfg prints the composed config and runs nothing; --cfg --package task prints one section.
"""

EPILOG = """\
exit codes: 0 the study ended and its report stands; 1 it could not be completed; 2 usage or config error;
            3 a regression was found; 130 interrupted
            (Ctrl-C once lets running trials end, twice stops them; the same command goes on later)

`python -m sweep VERB --help` explains a verb.
documentation (docs/*.md): {docs}
"""


_OF_THE_MACHINE = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}
    | {errno.EMFILE, errno.ENFILE, errno.ESTALE}
)
"""What a person mends outside sweep: a traceback would say less than the file's name."""


@dataclass(frozen=True, slots=True)
class Verb:
    """A bare word in front of the command line: `function` of `module` gets the words after it."""

    module: str
    function: str
    help: str


VERBS: dict[str, Verb] = {
    "plan": Verb("sweep.cli.run", "plan", "compose and validate every trial, print table and cost, launch nothing"),
    "ls": Verb("sweep.cli.read", "ls", "list the studies of the store"),
    "status": Verb("sweep.cli.status", "status", "how far a study is, once or followed (--watch)"),
    "rank": Verb("sweep.cli.read", "rank", "the ranking of a study"),
    "show": Verb("sweep.cli.read", "show", "one trial: verdict, symptoms, overrides, runs"),
    "compare": Verb("sweep.cli.compare", "compare", "two studies side by side, paired by cell and seed"),
    "logs": Verb("sweep.cli.read", "logs", "what a trial printed"),
    "report": Verb("sweep.cli.read", "report", "write the report of a study anew"),
    "export": Verb("sweep.cli.export", "export", "a study as csv, as an Optuna study, or as VisualDL logs"),
    "resume": Verb("sweep.cli.act", "resume", "go on with a study"),
    "rerun": Verb("sweep.cli.act", "rerun", "run trials of some states again"),
    "stop": Verb("sweep.cli.act", "stop", "stop the driver of a running study"),
    "baseline": Verb("sweep.cli.baseline", "baseline", "accept, show or compare the baselines of a regression"),
    "gc": Verb("sweep.cli.garbage", "gc", "delete what is past its time: studies of nights, run folders, curves"),
    "rebuild": Verb("sweep.cli.act", "rebuild", "make a damaged or missing store anew from the run folders"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (docs/studies.md)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a sign that a terminal has not is spelled out: no reason to break off
            stream.reconfigure(errors="backslashreplace")
    with suppress(ValueError):  # only the main thread may
        signal.signal(END_SIGNAL, signal.default_int_handler)  # like Ctrl-C, wherever nothing else is made of it
    try:
        return _dispatch(arguments)
    except SweepError as error:
        print(f"error: {printable(str(error))}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `python -m sweep rank | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.errno == errno.ENOENT and error.filename is None:
            print("error: the working directory is no longer there", file=sys.stderr)
            print("  hint: cd into a folder that is", file=sys.stderr)
            return 2
        if error.errno not in _OF_THE_MACHINE:
            raise
        print(f"error: {error.strerror}: {error.filename or 'while writing'}", file=sys.stderr)
        print("  hint: mend that, then give the same command again: a study goes on where it was", file=sys.stderr)
        return 1


def _dispatch(arguments: list[str]) -> int:
    if arguments and arguments[0] in ("-h", "--help", "help"):
        print(_help())
        return 0
    if arguments and arguments[0] == "--version":
        from sweep import __version__

        print(f"sweep {__version__}")
        return 0
    if arguments and _is_bare_word(arguments[0]):
        return _run_verb(arguments[0], arguments[1:])
    _check_verb_first(arguments)
    return _load("sweep.cli.run", "study")(arguments)


def _check_verb_first(arguments: list[str]) -> None:
    """Raise UsageError where a verb stands behind an option: `--config-dir DIR plan task=mine`."""
    before = ["", *arguments]
    for at, word in enumerate(arguments):
        if word in VERBS and before[at] not in ("--config-dir", "-cd", "--package", "-p"):
            words = [word, *arguments[:at], *arguments[at + 1 :]]
            raise UsageError(f"the verb {word!r} comes first", hint=shlex.join(["python", "-m", "sweep", *words]))


def _is_bare_word(argument: str) -> bool:
    return "=" not in argument and argument[0:1] not in ("-", "+", "~")


def _run_verb(name: str, arguments: list[str]) -> int:
    verb = VERBS.get(name)
    if verb is None:
        near = nearest(name, VERBS)
        raise UsageError(
            f"unknown verb {name!r}\n  allowed: {', '.join(VERBS)}",
            hint=f"did you mean {near!r}?" if near else "overrides look like key=value; see python -m sweep --help",
        )
    return _load(verb.module, verb.function)(arguments)


def _load(module: str, function: str) -> Callable[[list[str]], int]:
    """Import only what this command needs: reading verbs answer without Hydra, SciPy, Optuna or numpy.

    Meanwhile the garbage collector would look through ever more modules, of which none is garbage.
    """
    gc.disable()
    try:
        found: Callable[[list[str]], int] = getattr(import_module(module), function)
    finally:
        gc.freeze()
        gc.enable()
    return found


def _help() -> str:
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {name:<{width}}  {verb.help}" for name, verb in VERBS.items())
    return f"{USAGE}\nverbs\n{verbs}\n\n{EPILOG.format(docs=docs_root())}"


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are UsageErrors, with the nearest option or word named."""

    def error(self, message: str) -> NoReturn:
        """Raise what went wrong instead of exiting."""
        raise UsageError(f"{self.prog}: {message}", hint=f"see {self.prog} --help")

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Return the parsed words. Raises UsageError for one that is unknown."""
        found, unknown = self.parse_known_args(args, namespace)
        for word in unknown:
            if word.startswith("-"):
                self.refuse_option(word)
        if unknown:
            self._refuse_word(unknown)
        return found

    def _refuse_word(self, unknown: list[str]) -> NoReturn:
        has_study = len(unknown) == 1 and "--study" in self._option_string_actions
        hint = f"a study is named by --study {shlex.quote(unknown[0])}" if has_study else f"see {self.prog} --help"
        raise UsageError(f"{self.prog}: it takes no {shlex.join(unknown)}", hint=hint)

    def refuse_option(self, word: str) -> NoReturn:
        """Raise UsageError for an option that does not exist, with those that do."""
        options = [name for action in self._actions for name in action.option_strings if name.startswith("--")]
        self._refuse(f"there is no option {word}", word.partition("=")[0], options)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            name = action.option_strings[-1] if action.option_strings else action.dest
            self._refuse(f"{name}: {value!r} is not one of the allowed words", str(value), list(action.choices))

    def _refuse(self, problem: str, word: str, allowed: Sequence[str]) -> NoReturn:
        near = nearest(word, allowed)
        hint = f"did you mean {near!r}?" if near else f"see {self.prog} --help"
        raise UsageError(f"{self.prog}: {problem}\n  allowed: {', '.join(allowed)}", hint=hint)


def _sentence(text: str) -> str:
    """Return it as a sentence; `str.capitalize` would write Optuna in small letters."""
    return f"{text[:1].upper()}{text[1:]}."


def verb_parser(name: str) -> Parser:
    """Return the parser of a verb, with the options that every verb on a store has."""
    parser = Parser(prog=f"python -m sweep {name}", description=_sentence(VERBS[name].help))
    parser.add_argument(
        "--store",
        default=verbs_store(),
        metavar="URL",
        help=f"the store (default: $SWEEP_STORE or {default_store()})",
    )
    return parser
