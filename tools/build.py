"""Build what is out of date: train all runs in many processes, here or elsewhere, and do the rest.

`make` runs it. It leaves what `dvc repro` would: the same files, the same dvc.lock. Ctrl-C stops
it, and what is finished is kept.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "stages"))

import start

import os
import signal
from argparse import Namespace
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from cnn_from_scratch import InputError
from cnn_from_scratch.arguments import Parser

if TYPE_CHECKING:
    from engine.building import Options
    from engine.projects import Project

# All that a build needs is imported when it begins: each process that trains imports this file.
ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path("metrics/results.md")
SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


def main(args: Namespace) -> None:
    """Build the projects."""
    from dvc_errors import one_line
    from engine.building import build
    from engine.plans import ChangedError
    from engine.projects import Project

    options = read_options(args)
    here, folders = Path.cwd(), [folder.resolve() for folder in args.projects]
    os.chdir(ROOT)
    for library in ("OPENBLAS", "OMP", "NUMBA"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")  # the processes share out the work
    try:
        with one_line("build"):
            did = build(with_data([Project(folder) for folder in folders]), options)
    except ChangedError as changed:
        print(f"{changed} has changed since this build began: building again", flush=True)
        os.chdir(here)
        os.execv(sys.executable, [sys.executable, *sys.argv])
    if ROOT not in folders:
        print("Everything is up to date." if did else "Nothing to do: everything is up to date.")
    elif did:
        print(RESULTS.read_text(encoding="utf-8"), end="")
    else:
        print(f"Nothing to do: everything is up to date. The results are in {RESULTS}.")


def with_data(projects: list["Project"]) -> list["Project"]:
    """Return the projects whose samples are there, and say which are left out.

    Raises InputError if all are.
    """
    found = []
    for project in projects:
        if (path := project.missing_source()) is None:
            found.append(project)
            continue
        line = f"{project.name}left out, as {path} is not there; its README.md says how to get it"
        if len(projects) == 1:
            raise InputError(line)
        print(line, file=sys.stderr)
    return found


def read_options(args: Namespace) -> "Options":
    """Return how to build. Raises InputError if the arguments do not go together."""
    from engine import executors
    from engine.building import Options

    for option, value, least in (("jobs", args.jobs, 1), ("audit", args.audit, 0)):
        if value is not None and value < least:
            raise InputError(f"--{option}: expected at least {least}, got {value}")
    where = executors.on_this_machine(args.jobs)
    named = [name for name in ("scheduler", "queue", "executor") if getattr(args, name)]
    if len(named) > 1:
        raise InputError(f"--{named[1]}: expected without --{named[0]}")
    if args.scheduler:
        where = executors.on_dask(args.scheduler)
    elif args.queue:
        where = executors.on_queue(args.queue, args.jobs or 1)
    elif args.executor:
        where = executors.on_executor(args.executor)
    return Options(where, compiled=args.compiled, audit=args.audit, pull=args.pull)


def stop(number: int, frame: FrameType | None) -> NoReturn:
    """Stop as Ctrl-C does, once."""
    for other in SIGNALS:
        signal.signal(other, signal.SIG_IGN)
    raise KeyboardInterrupt


def end_children() -> None:
    """End what DVC has started: it leaves that alone when it is stopped."""
    import psutil

    children = psutil.Process().children(recursive=True)
    for child in children:
        with suppress(psutil.NoSuchProcess):
            child.terminate()
    for child in psutil.wait_procs(children, timeout=1.0)[1]:
        with suppress(psutil.NoSuchProcess):
            child.kill()


def parser() -> Parser:
    """Return the parser of the arguments."""
    parser = Parser(description=__doc__)
    parser.add_argument(
        "projects",
        nargs="*",
        type=Path,
        default=[ROOT],
        help="their folders; default: the main one",
    )
    parser.add_argument("--jobs", type=int, help="processes, or jobs of --queue; one per core")
    parser.add_argument("--scheduler", help="train on the workers of this Dask scheduler")
    parser.add_argument("--queue", help="train in jobs of a queue, by dask-jobqueue: SLURM, PBS...")
    parser.add_argument("--executor", help="train on what this gives: module:function")
    parser.add_argument("--compiled", action="store_true", help="train portable runs by Numba")
    parser.add_argument("--audit", type=int, default=0, help="train so many runs again, to compare")
    parser.add_argument("--pull", action="store_true", help="take from DVC's remote what is there")
    return parser


if __name__ == "__main__":
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(number, stop)
    try:
        main(parser().parse_args())
    except KeyboardInterrupt:
        end_children()
        sys.exit("stopped; what is finished is kept")
