"""Picks the command and turns errors into exit codes."""

import argparse
import errno
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

from sweep.cli.collecting import collecting_nothing
from sweep.config.folders import docs_root
from sweep.config.stores import default_store, verbs_store
from sweep.domain.printable import printable
from sweep.domain.script_words import is_bare, is_script, own_words
from sweep.errors import SweepError, UsageError, nearest
from sweep.rundir.lock import END_SIGNAL

USAGE = """\
usage: python -m sweep SCRIPT.py [OVERRIDES] [-- ARGUMENTS]   run a study on a Paddle script, as it is
       python -m sweep [--config-dir DIR]... [OVERRIDES]    run a study on a task
       python -m sweep VERB [ARGUMENTS]                     plan, read or act on studies

`sweep` is the same command, shorter.

sweep finds which change makes a PaddlePaddle training run converge, how sure that is, and what it cost.

run a study
  python -m sweep train.py -- --epochs 3          your script, unmodified; what follows -- are its own arguments
  python -m sweep train.py +ablation=all          which change makes it converge? (docs/scripts.md)
  python -m sweep task=NAME                       run the base over its seeds: does it converge? which symptoms?
  python -m sweep task=NAME +diagnose=full        full diagnosis: checks, base, learning rate, ablation; one answer
  python -m sweep +check=all                      check the data; overfit ten samples (also =data, =overfit)
  python -m sweep +ablation=regularization        toggle dropout, weight decay, augmentation; rank what restores
  python -m sweep +ablation=optimization          the same for init, scheduler, clip, lr, optimizer
  python -m sweep +search=lr_range                learning-rate range test, confirmed by short trials
  python -m sweep +search=tpe '+params={...}'     Optuna search over axes and params
  python -m sweep +regression=nightly             nightly regression: train tasks, compare with accepted baselines
  Any Hydra override works: seeds=8, study=NAME, converge.target=0.9, launcher.slots=4, '~axes.dropout'.
  --config-dir DIR adds a folder with your own task/, axis/, ablation/ files.
  --log-level LEVEL sets what STUDY/orchestrator.log holds: debug, info (default), warning, error.
  --cfg prints the composed config and runs nothing; --cfg --package task prints one section.
"""

EPILOG = """\
exit codes: 0 the study ended and its report is written; 1 it could not be completed; 2 usage or config error;
            3 a regression was found; 130 interrupted
            (Ctrl-C once: running trials finish; twice: they are stopped. The same command resumes the study.)

`python -m sweep VERB --help` shows the options of a verb.
documentation (docs/*.md): {docs}
"""


_OF_THE_MACHINE = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}
    | {errno.EMFILE, errno.ENFILE, errno.ESTALE}
)
"""Errors of the machine: the file's name is more useful than a traceback."""


@dataclass(frozen=True, slots=True)
class Verb:
    """A command: `function` of `module` gets the arguments after the verb."""

    module: str
    function: str
    help: str


VERBS: dict[str, Verb] = {
    "inventory": Verb("sweep.cli.run", "inventory", "run a script once, print what sweep could change in it"),
    "plan": Verb("sweep.cli.run", "plan", "print the trials of a study and their estimated cost; run nothing"),
    "ls": Verb("sweep.cli.ls", "ls", "list the studies of the store"),
    "status": Verb("sweep.cli.status", "status", "show the progress of a study, once or until it ends (--watch)"),
    "rank": Verb("sweep.cli.rank", "rank", "print the ranking of a study"),
    "show": Verb("sweep.cli.show", "show", "show one trial: verdict, symptoms, overrides, runs"),
    "compare": Verb("sweep.cli.compare", "compare", "compare two studies, paired by cell and seed"),
    "logs": Verb("sweep.cli.logs", "logs", "print the output of a trial"),
    "report": Verb("sweep.cli.report", "report", "rewrite the report of a study"),
    "export": Verb("sweep.cli.export", "export", "export a study as CSV, as an Optuna study, or as VisualDL logs"),
    "resume": Verb("sweep.cli.act", "resume", "resume a study"),
    "rerun": Verb("sweep.cli.act", "rerun", "requeue failed trials and resume the study"),
    "stop": Verb("sweep.cli.act", "stop", "stop a running study"),
    "baseline": Verb("sweep.cli.baseline", "baseline", "accept, show or compare the baselines of a regression"),
    "gc": Verb("sweep.cli.garbage", "gc", "delete expired studies, run folders and curves"),
    "rebuild": Verb("sweep.cli.act", "rebuild", "rebuild a damaged or missing store from the run folders"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (docs/studies.md)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # escape characters the terminal cannot encode instead of raising
            stream.reconfigure(errors="backslashreplace")
    with suppress(ValueError):  # only the main thread may set a handler
        signal.signal(END_SIGNAL, signal.default_int_handler)  # like Ctrl-C, unless a command handles it
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
            print("error: the working directory no longer exists", file=sys.stderr)
            print("  hint: cd into a folder that does", file=sys.stderr)
            return 2
        if error.errno not in _OF_THE_MACHINE:
            raise
        print(f"error: {error.strerror}: {error.filename or 'while writing'}", file=sys.stderr)
        print("  hint: fix this, then run the same command again: it resumes the study", file=sys.stderr)
        return 1


def _dispatch(arguments: list[str]) -> int:
    if arguments and arguments[0] in ("-h", "--help", "help"):
        print(_help())
        return 0
    if arguments and arguments[0] == "--version":
        from sweep import __version__

        print(f"sweep {__version__}")
        return 0
    if arguments and is_bare(arguments[0]) and not is_script(arguments[0]):
        return _run_verb(arguments[0], arguments[1:])
    _check_verb_first(arguments)
    return _load("sweep.cli.run", "study")(arguments)


def _check_verb_first(arguments: list[str]) -> None:
    """Raise UsageError if a verb follows an option: `--config-dir DIR plan task=mine`."""
    before = ["", *arguments]
    for at, word in enumerate(own_words(arguments)):
        if word in VERBS and before[at] not in ("--config-dir", "-cd", "--package", "-p"):
            words = [word, *arguments[:at], *arguments[at + 1 :]]
            raise UsageError(f"the verb {word!r} comes first", hint=shlex.join(["python", "-m", "sweep", *words]))


def _run_verb(name: str, rest: list[str]) -> int:
    verb = VERBS.get(name)
    if verb is None:
        from sweep.cli.scripts import check_no_program

        check_no_program(name, rest)
        near = nearest(name, VERBS)
        raise UsageError(
            f"unknown verb {name!r}\n  allowed: {', '.join(VERBS)}",
            hint=f"did you mean {near!r}?" if near else "overrides look like key=value; see python -m sweep --help",
        )
    return _load(verb.module, verb.function)(rest)


def _load(module: str, function: str) -> Callable[[list[str]], int]:
    """Import only what this command needs: reading verbs answer without Hydra, SciPy, Optuna or numpy.

    Garbage collection is off during the import: modules are never garbage.
    """
    with collecting_nothing():
        found: Callable[[list[str]], int] = getattr(import_module(module), function)
    return found


def _help() -> str:
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {name:<{width}}  {verb.help}" for name, verb in VERBS.items())
    return f"{USAGE}\nverbs\n{verbs}\n\n{EPILOG.format(docs=docs_root())}"


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are UsageErrors, with the nearest valid option or value."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError instead of exiting."""
        raise UsageError(f"{self.prog}: {message}", hint=f"see {self.prog} --help")

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Return the parsed arguments. Raises UsageError for an unknown one."""
        found, unknown = self.parse_known_args(args, namespace)
        for word in unknown:
            if word.startswith("-"):
                self.refuse_option(word)
        if unknown:
            self._refuse_word(unknown)
        return found

    def _refuse_word(self, unknown: list[str]) -> NoReturn:
        has_study = len(unknown) == 1 and "--study" in self._option_string_actions
        hint = f"to name a study: --study {shlex.quote(unknown[0])}" if has_study else f"see {self.prog} --help"
        raise UsageError(f"{self.prog}: unexpected argument: {shlex.join(unknown)}", hint=hint)

    def refuse_option(self, word: str) -> NoReturn:
        """Raise UsageError for an unknown option, with a list of the known ones."""
        options = [name for action in self._actions for name in action.option_strings if name.startswith("--")]
        self._refuse(f"there is no option {word}", word.partition("=")[0], options)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            name = action.option_strings[-1] if action.option_strings else action.dest
            self._refuse(f"{name}: {value!r} is not one of the allowed values", str(value), list(action.choices))

    def _refuse(self, problem: str, word: str, allowed: Sequence[str]) -> NoReturn:
        near = nearest(word, allowed)
        hint = f"did you mean {near!r}?" if near else f"see {self.prog} --help"
        raise UsageError(f"{self.prog}: {problem}\n  allowed: {', '.join(allowed)}", hint=hint)


def _sentence(text: str) -> str:
    """Return the text as a sentence; `str.capitalize` would write Optuna in lower case."""
    return f"{text[:1].upper()}{text[1:]}."


def verb_parser(name: str) -> Parser:
    """Return the parser of a verb, with the options that all verbs on a store share."""
    parser = Parser(prog=f"python -m sweep {name}", description=_sentence(VERBS[name].help))
    parser.add_argument(
        "--store",
        default=verbs_store(),
        metavar="URL",
        help=f"the store (default: $SWEEP_STORE or {default_store()})",
    )
    return parser
