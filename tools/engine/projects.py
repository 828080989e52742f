"""A DVC project: its train stages, which the engine builds, and all other stages, which DVC does.

It uses what `dvc repro` and `dvc commit` are made of. DVC itself commits stage by stage, and reads
and writes all of dvc.lock for each; here many stages are committed by one writing.
"""

import logging
import os
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import chdir, contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from dvc import dvcfile
from dvc.dependency import param
from dvc.exceptions import DownloadError
from dvc.repo import Repo, lock_repo
from dvc.repo.reproduce import get_active_graph, plan_repro
from dvc.rwlock import rwlock
from dvc.stage import PipelineStage
from dvc.stage.cache import RunCacheNotFoundError

import check
import train
import train_seeds
from cnn_from_scratch import InputError
from cnn_from_scratch.data.sources import resolve_source
from cnn_from_scratch.experiment.dataset import Dataset, load_dataset
from cnn_from_scratch.experiment.files import replacing
from cnn_from_scratch.experiment.jobs import Job
from cnn_from_scratch.experiment.params import Params, load_params
from cnn_from_scratch.experiment.records import write_record
from dvc_errors import one_line
from dvc_lock import modify_lock
from tidy_lock import tidy_lock

ROOT = Path(__file__).resolve().parents[2]

# It names each stage that it restores; a build counts them.
logging.getLogger("dvc.stage.cache").setLevel(logging.WARNING)

# What trains, by the script that a stage's command runs.
SCRIPTS = {ROOT / "stages/train.py": train, ROOT / "stages/train_seeds.py": train_seeds}

Record = Mapping[str, bytes]  # a run's files


@dataclass(frozen=True, eq=False)
class TrainStage:
    """A train stage that is out of date, and the runs that it stands for.

    out: the folder of the runs. depends_on: what it depended on when this was planned.
    """

    name: str
    jobs: tuple[Job, ...]
    dataset: Dataset
    out: Path
    depends_on: list[Any]


class Project:
    """A folder with a dvc.yaml. InputError from its methods names it, if it is not the main one."""

    def __init__(self, folder: Path) -> None:
        if not (folder / "dvc.yaml").exists():
            raise InputError(f"{folder}: expected a project's folder, with a dvc.yaml")
        self.folder = folder.resolve()
        self.name = "" if self.folder == ROOT else f"{os.path.relpath(folder, ROOT)}: "
        self.repo = Repo(str(folder), _wait_for_lock=True)

    def check(self) -> None:
        """Check params.yaml, and that no own file gets lost. Raises InputError, as `check` does."""
        with self._inside():
            arguments = ["--study"] if self.folder != ROOT else []
            check.main(check.parser().parse_args(arguments))

    def missing_source(self) -> str | None:
        """Return the path of the samples that a study reads, if there is nothing there."""
        with self._inside():
            params = load_params()
            if self.folder == ROOT or params.convert is None:
                return None
            path = resolve_source(params).path
            return None if Path(path).exists() else path

    def fetch(self) -> None:
        """Take run cache, and what dvc.lock names, from the remote, as far as that has it."""
        with self._inside(), suppress(DownloadError):
            self.repo.cloud.get_remote(command="--pull")  # or there would be nothing to fetch
            self.repo.fetch(run_cache=True)

    def reproduce(self, names: Iterable[str]) -> bool:
        """Do what `dvc repro` does for the named stages alone; return whether one of them ran."""
        with self._inside():
            ran = self.repo.reproduce(list(names), single_item=True) if names else []
        return bool(ran)

    def other_stages(self) -> tuple[list[str], list[str]]:
        """Return the stages that the runs depend on, and all others, in the order to build them."""
        with self._inside(), lock_repo(self.repo):
            graph = get_active_graph(self.repo.index.graph)
            stages = self.repo.stage.collect("dvc.yaml")
            ours = [stage for stage in stages if script_of(stage)]
            first = [stage.addressing for stage in plan_repro(graph, ours) if stage not in ours]
            rest = [stage.addressing for stage in plan_repro(graph, stages) if stage not in ours]
        return first, [name for name in rest if name not in first]

    def plan(self, *, pull: bool) -> tuple[list[TrainStage], int]:
        """Return the stages to train, and how many were restored from the run cache.

        pull: restore what only the remote has, too.
        """
        with self._locked():
            datasets: dict[Path, Dataset] = {}
            params = load_params()
            wanted, restored = [], []
            for stage in self._train_stages():
                if stage.frozen or not stage.changed():
                    continue
                if self._restore(stage, pull):  # it compares with the lock: before it is hashed
                    restored.append(stage)
                else:
                    wanted.append(_planned(stage, params, datasets))
            self._commit(restored)
        return wanted, len(restored)

    @contextmanager
    def claimed(self, stages: list[TrainStage]) -> Iterator[None]:
        """Keep other DVCs from what is trained, as DVC's own `repro` does while a stage runs."""
        command = " ".join(sys.argv)
        outputs = sorted({str(self.folder / stage.out.parts[0]) for stage in stages})
        hardlink = self.repo.config["core"].get("hardlink_lock", False)
        with rwlock(self.repo.tmp_dir, self.repo.fs, command, [], outputs, hardlink):
            yield

    def commit(self, finished: Mapping[TrainStage, Mapping[Job, Record]]) -> list[str]:
        """Put the records of finished stages in place, and commit them.

        Returns the stages that are not committed, as what they depend on has changed since.
        """
        left = {stage.name: stage for stage in finished}
        trained = []
        with self._locked():
            for stage in self._train_stages():  # in the order that the lock is to have
                planned = left.get(stage.addressing)
                if planned and _hashed(stage) == planned.depends_on:
                    _place(planned, finished[planned])
                    trained.append(stage)
                    del left[planned.name]
            self._commit(trained)
        return list(left)

    def tidy(self) -> None:
        """Put dvc.lock into dvc.yaml's order, in which `dvc repro` would have written it."""
        with self._inside(), lock_repo(self.repo):
            tidy_lock([stage.addressing for stage in self.repo.stage.collect("dvc.yaml")])

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Work in the project's folder, under DVC's lock, on params.yaml as it is when first read.

        DVC parses that file ten times for each stage.
        """
        with (
            self._inside(),
            lock_repo(self.repo),
            patch.object(param, "load_path", cache(param.load_path)),
        ):
            yield

    @contextmanager
    def _inside(self) -> Iterator[None]:
        try:
            with (
                chdir(self.folder),
                one_line("build"),
                patch.object(dvcfile, "modify_yaml", modify_lock),
            ):
                yield
        except InputError as error:
            raise InputError(f"{self.name}{error}") from error

    def _train_stages(self) -> list[PipelineStage]:
        return [stage for stage in self.repo.stage.collect("dvc.yaml") if script_of(stage)]

    def _restore(self, stage: PipelineStage, pull: bool) -> bool:
        """Bring a stage's output back from the run cache, if that has it, as DVC does."""
        stage.remove_outs()
        try:
            self.repo.stage_cache.restore(stage, pull=pull)
        except RunCacheNotFoundError:
            return False
        return True

    def _commit(self, stages: list[PipelineStage]) -> None:
        """Do what `dvc commit` does for stages whose dependencies are hashed already."""
        for stage in stages:
            for dependency in stage.deps:  # what stages share, YAML would write only once
                dependency.hash_info = deepcopy(dependency.hash_info)
            stage.save_outs()
            stage.md5 = stage.compute_md5()
            self.repo.stage_cache.save(stage)
            stage.commit()
        if stages:
            stages[0].dvcfile.dump_stages(stages, update_pipeline=False)


def script_of(stage: Any) -> Any:
    """Return the module of the script that a stage trains with, None if it does something else."""
    words = shlex.split(stage.cmd) if isinstance(stage.cmd, str) else []
    if len(words) < 2 or words[0] != "python" or stage.wdir != stage.repo.root_dir:
        return None
    return SCRIPTS.get(Path(stage.wdir, words[1]).resolve())


def _planned(stage: PipelineStage, params: Params, datasets: dict[Path, Dataset]) -> TrainStage:
    script = script_of(stage)
    args = script.parser().parse_args(shlex.split(stage.cmd)[2:])
    if args.dataset not in datasets:
        datasets[args.dataset] = load_dataset(args.dataset)
    jobs = tuple(script.read_jobs(args, params))
    out = Path(stage.outs[0].def_path)
    if not all(job.folder.is_relative_to(out) for job in jobs):
        raise InputError(f"dvc.yaml: {stage.addressing}: expected an output that holds its runs")
    return TrainStage(stage.addressing, jobs, datasets[args.dataset], out, _hashed(stage))


def _hashed(stage: PipelineStage) -> list[Any]:
    """Hash what a stage depends on; return that, and its command, as dvc.lock would have it."""
    stage.save_deps()
    return [stage.cmd, *(dependency.dumpd() for dependency in stage.deps)]


def _place(stage: TrainStage, records: Mapping[Job, Record]) -> None:
    """Put a stage's records into its output, all at once."""
    with replacing(stage.out) as new:
        for job, files in records.items():
            write_record(new / job.folder.relative_to(stage.out), files)
