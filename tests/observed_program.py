"""Runs a program's text in this process, observed as in a trial of `task=script`."""

import os
import sys
from contextlib import contextmanager
from textwrap import dedent
from types import SimpleNamespace

from sweep.domain.target import Mode, Target
from sweep.rundir import EventWriter, RunDir
from sweep.rundir.events import read_events
from sweep.task import StopTrial
from sweep.worker.callsite import CallSites
from sweep.worker.run import WorkerRun
from sweep.worker.script.observer import Observer
from sweep.worker.surgery.book import Book

HEAD = """
import logging, os, sys, paddle
from paddle import nn
from paddle.nn import functional as F
paddle.seed(0)
x = paddle.randn([32, 4]); y = (x.sum(1, keepdim=True) > 0).astype("int64")
"""
NET = """
net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
opt = paddle.optimizer.SGD(0.1, parameters=net.parameters())
def train(steps=1):
    for _ in range(steps):
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        opt.step()
        opt.clear_grad()
    return loss
"""


@contextmanager
def printing_to(path):
    """Let standard output and error of this process be one file, as in a trial."""
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    kept = {fd: os.dup(fd) for fd in (1, 2)}
    streams = {name: getattr(sys, name) for name in ("stdout", "stderr", "__stdout__", "__stderr__")}
    for fd in kept:
        os.dup2(log, fd)
    with os.fdopen(os.dup(1), "w") as out, os.fdopen(os.dup(2), "w", buffering=1) as error:
        for name in streams:
            setattr(sys, name, out if "out" in name else error)
        try:
            yield
        finally:
            for name, stream in streams.items():
                setattr(sys, name, stream)
            for fd, copy in kept.items():
                os.dup2(copy, fd)
                os.close(copy)
            os.close(log)


def observed(folder, body, *, head=HEAD + NET, budget_steps=1000, watch="off", patterns=None):
    """Run a program; return its series, its inventory, what it printed, and whether its trial was ended."""
    path = folder / "train.py"
    path.write_text(head + dedent(body))
    target = Target(
        metric=None,
        mode=Mode.MIN,
        threshold=None,
        hold=3,
        budget_steps=budget_steps,
        stop_early=False,
        loss="step/loss",
    )
    events = EventWriter(folder / "events.jsonl")
    run = WorkerRun(RunDir(folder), seed=0, target=target, events=events, watch=watch)
    found = SimpleNamespace(variables={}, is_ended=False, run=run)
    with printing_to(folder / "out.log"), Observer(run, Book(CallSites(folder)), patterns or {}) as observer:
        try:
            exec(compile(path.read_text(), str(path), "exec"), found.variables)
            observer.check_trained()
        except StopTrial:
            found.is_ended = True
        finally:
            observer.record_inventory()
            run.unwatch()
    run.conclude()
    events.close()
    found.series, found.facts = series_of(folder / "events.jsonl")
    found.inventory = observer.inventory
    found.printed = (folder / "out.log").read_text()
    return found


def place(folder, text):
    """Return where a line of the program stands, the last one with this text: `train.py:13`."""
    lines = (folder / "train.py").read_text().splitlines()
    return f"train.py:{max(at for at, line in enumerate(lines, 1) if text in line)}"


def series_of(path):
    """Return the points of each series, and the facts, in a run's events."""
    series, facts = {}, {}
    for event in read_events(path, 0)[0]:
        if event["e"] == "log":
            for name, value in event["v"].items():
                series.setdefault(name, []).append((event["s"], float(value)))
        if event["e"] == "facts":
            facts |= event["v"]
    return series, facts
