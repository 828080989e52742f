"""Trained models have the committed digests, whatever the BLAS kernel, SIMD, threads and CPU."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cnn_from_scratch.data.sources import resolve_source
from cnn_from_scratch.experiment.dataset import save_dataset
from cnn_from_scratch.experiment.params import load_params
from tests.portability.digest import OPERATIONS, ROOT

COMMITTED: dict[str, dict[str, str]] = json.loads(
    Path(__file__).with_name("digests.json").read_text(encoding="utf-8")
)
EMULATED_ARM64 = ROOT / ".emulators" / "aarch64"

# What the machine is told to be, and the CPU features, by NumPy's names, that it then needs.
SETTINGS = {
    "": "",
    "OPENBLAS_CORETYPE=Prescott": "",
    "OPENBLAS_CORETYPE=Nehalem": "X86_V2",
    "OPENBLAS_CORETYPE=Sandybridge": "X86_V3",  # it would need only a part of them
    "OPENBLAS_CORETYPE=Haswell": "X86_V3",
    "OPENBLAS_CORETYPE=Zen": "X86_V3",
    "OPENBLAS_CORETYPE=SkylakeX": "X86_V4",
    "NPY_DISABLE_CPU_FEATURES=X86_V4": "X86_V4",
    "NPY_DISABLE_CPU_FEATURES=X86_V3 X86_V4": "X86_V3",
}
THREADS = ("OPENBLAS_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=2")
SIMD = np.show_config(mode="dicts")["SIMD Extensions"]
FEATURES = {"", *SIMD.get("baseline", []), *SIMD.get("found", [])}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study's dataset, from its workbook."""
    file = tmp_path_factory.mktemp("digests") / "dataset.npz"
    source = resolve_source(load_params(ROOT / "params.yaml"))
    save_dataset(file, replace(source, path=str(ROOT / source.path)).read())  # type: ignore[type-var]
    return file


def digests(
    dataset: Path, epochs: int, *options: str, python: tuple[str, ...] = (), settings: str = ""
) -> dict[str, str]:
    """Return what digest.py prints in a process of its own, with variables NAME=VALUE[;...]."""
    script = str(ROOT / "tests" / "portability" / "digest.py")
    variables = dict(setting.split("=") for setting in settings.split(";") if setting)
    result = subprocess.run(
        [*(python or (sys.executable,)), script, str(dataset), str(epochs), *options],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    printed: dict[str, dict[str, str]] = json.loads(result.stdout)
    return printed[str(epochs)]


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.release
def test_settings_of_the_machine_change_nothing(dataset: Path, setting: str, threads: str) -> None:
    if (needed := SETTINGS[setting]) not in FEATURES:
        pytest.skip(f"NumPy finds no {needed} here, which {setting} is about")
    assert digests(dataset, 300, settings=f"{setting};{threads}") == COMMITTED["300"]


@pytest.mark.parametrize("setting", ["", "OPENBLAS_CORETYPE=Prescott;OPENBLAS_NUM_THREADS=2"])
def test_an_edit_changes_nothing(dataset: Path, setting: str) -> None:
    """What an edit changes is seen with any setting, and with two what hangs on the machine."""
    assert digests(dataset, 300, settings=setting) == COMMITTED["300"]


# What Numba is told to compile for: this machine's CPU, or any of its kind.
CPUS = {"this": "", "generic": "NUMBA_CPU_NAME=generic;NUMBA_CPU_FEATURES="}


@pytest.mark.parametrize("cpu", ["this", pytest.param("generic", marks=pytest.mark.release)])
@pytest.mark.parametrize("threads", [1, 2])
def test_compiled_loops_change_nothing(dataset: Path, cpu: str, threads: int) -> None:
    """Shared out among threads, too, however small they are."""
    if threads > (os.cpu_count() or 1):
        pytest.skip("there are no two threads to share the loops")
    settings = f"{CPUS[cpu]};NUMBA_NUM_THREADS={threads}"
    compiled = ("--backend", "compiled", *(("--share",) if threads > 1 else ()))
    assert digests(dataset, 10, *compiled, settings=settings) == COMMITTED["10"]


@pytest.mark.release
def test_compiled_loops_change_nothing_in_a_whole_training(dataset: Path) -> None:
    assert digests(dataset, 300, "--backend", "compiled") == COMMITTED["300"]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_any_native_operation_would_be_seen(dataset: Path, operation: str) -> None:
    assert digests(dataset, 10, "--native", operation) != COMMITTED["10"]


def test_a_native_product_would_differ_between_settings(dataset: Path) -> None:
    if "X86_V3" not in FEATURES:
        pytest.skip("NumPy finds no X86_V3 here: OpenBLAS has no two kernels to compare")
    kernels = ("OPENBLAS_CORETYPE=Nehalem", "OPENBLAS_CORETYPE=Haswell")
    a, b = (digests(dataset, 10, "--native", "matmul", settings=kernel) for kernel in kernels)
    assert a != b


def test_a_native_product_would_differ_between_numbers_of_threads(dataset: Path) -> None:
    """Only the large one: those of the networks are too small to share out."""
    if (os.cpu_count() or 1) < 2 or "X86_V3" not in FEATURES:
        pytest.skip("there are no two threads to compare")
    a, b = (digests(dataset, 10, "--native", "matmul", settings=threads) for threads in THREADS)
    assert a["large product"] != b["large product"]


@pytest.mark.parametrize("cpu", ["Nehalem", "Haswell"])
@pytest.mark.release
def test_emulated_x86_cpus_change_nothing(dataset: Path, cpu: str) -> None:
    emulator = _emulator("qemu-x86_64")
    if platform.machine() != "x86_64":
        pytest.skip("this Python is not for x86-64")
    python = (emulator, "-cpu", cpu, sys.executable)
    assert digests(dataset, 10, python=python) == COMMITTED["10"]


@pytest.mark.release
def test_emulated_arm64_changes_nothing(dataset: Path) -> None:
    emulator = _emulator("qemu-aarch64")
    if not (EMULATED_ARM64 / ".ready").exists():
        pytest.skip("there is no emulated arm64 Python; .ci/emulators installs it")
    python = (emulator, "-L", str(EMULATED_ARM64), str(EMULATED_ARM64 / "usr/bin/python3.11"))
    packages = f"PYTHONPATH={EMULATED_ARM64 / 'packages'}"
    assert digests(dataset, 10, python=python, settings=packages) == COMMITTED["10"]


def _emulator(name: str) -> str:
    emulator = shutil.which(name)
    if emulator is None:
        pytest.skip(f"there is no {name}; .ci/emulators installs it")
    return emulator


@pytest.mark.parametrize("end", ["oldest", "newest"])
@pytest.mark.release
def test_numpy_at_the_ends_of_its_range_changes_nothing(
    dataset: Path, end: str, tmp_path: Path
) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = next(name for name in project["dependencies"] if name.startswith("numpy"))
    match = re.fullmatch(r"numpy>=([\d.]+),<\d+", declared)
    assert match is not None
    wanted = f"numpy=={match[1]}" if end == "oldest" else declared
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--retries=1", "--timeout=10"]
    options = ["--target", str(tmp_path), "--no-deps", "--only-binary=:all:"]
    installed = subprocess.run(
        [*pip, *options, wanted], capture_output=True, text=True, check=False
    )
    if installed.returncode:
        pytest.skip(f"pip could not install {wanted}: {installed.stderr.strip().splitlines()[-1]}")
    assert list(tmp_path.glob("numpy-*.dist-info"))
    assert digests(dataset, 10, settings=f"PYTHONPATH={tmp_path}") == COMMITTED["10"]
