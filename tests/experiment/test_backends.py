"""The backends: which layers and operations are chosen, and that Numba is loaded for one alone."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.compiled import functions
from cnn_from_scratch.compiled.network import CompiledSequential
from cnn_from_scratch.experiment import backends
from cnn_from_scratch.experiment.backends import backend_for, in_threads
from cnn_from_scratch.experiment.params import Augmentation, Train
from cnn_from_scratch.experiment.run import build_network, train_run
from cnn_from_scratch.nn import numerics
from cnn_from_scratch.nn.layers import Conv2D
from cnn_from_scratch.nn.network import Sequential
from cnn_from_scratch.nn.optimizers import Adam
from cnn_from_scratch.nn.training import Samples, Training, chunks, fit
from tests.experiment.studies import ENHANCED, HOLDOUT, SIMPLE, stripes
from tests.workflow.project import ROOT

NATIVE, PORTABLE = Train(2, None, numerics="native"), Train(2, None)


@pytest.mark.parametrize(
    ("train", "kind", "numerics_"),
    [
        (NATIVE, Sequential, numerics.NATIVE),
        (PORTABLE, Sequential, numerics.PORTABLE),
        (replace(NATIVE, backend="compiled"), CompiledSequential, numerics.NATIVE),
        (replace(PORTABLE, backend="compiled"), CompiledSequential, functions.PORTABLE),
    ],
)
def test_what_is_chosen(train: Train, kind: type[Sequential], numerics_: Any) -> None:
    backend = backend_for(train)
    assert backend.numerics is numerics_
    network = build_network(SIMPLE, 0, stripes(), backend=backend)
    assert type(network) is kind
    assert type(network.layers[0]) is Conv2D
    if isinstance(network, CompiledSequential):
        assert {chain.numerics for _, chain in network.chains if chain} == {train.numerics}


@pytest.mark.parametrize("backend", ["numpy", "compiled"])
def test_a_network_has_the_chosen_dtype_and_the_same_start(backend: Any) -> None:
    plain = build_network(SIMPLE, 0, stripes())
    assert plain.theta.dtype == np.float64
    chosen = build_network(
        SIMPLE, 0, stripes(), backend_for(replace(NATIVE, backend=backend)), "float32"
    )
    np.testing.assert_array_equal(chosen.theta, plain.theta.astype(np.float32), strict=True)


@pytest.mark.parametrize("backend", ["numpy", "compiled"])
@pytest.mark.parametrize("batch_size", [None, 5])
@pytest.mark.parametrize(
    "augmentation", [None, Augmentation(1), Augmentation(rotation=20.0), Augmentation(noise=0.1)]
)
def test_a_run_in_float32(
    backend: Any, batch_size: int | None, augmentation: Augmentation | None
) -> None:
    """All of it is float32, and nearly what float64 gives.

    Its 4 epochs are some 20 steps, each off by a few times 2^-24 of numbers about 1.
    """
    train = Train(4, batch_size, augmentation, numerics="native", backend=backend)
    runs = [
        train_run(ENHANCED, 3, stripes(), HOLDOUT, replace(train, dtype=dtype))
        for dtype in ("float64", "float32")
    ]
    for run, dtype in zip(runs, (np.float64, np.float32), strict=True):
        assert all(array.dtype == dtype for array in run.checkpoint.values())
        assert not run.fit.diverged
    exact, rounded = (
        [value for row in run.fit.history for value in (row.train.loss, row.val.loss)]
        for run in runs
    )
    assert rounded != exact
    np.testing.assert_allclose(rounded, exact, rtol=0, atol=1e-5)


TRAINING = """
import sys
{before}
from cnn_from_scratch import one_line_errors
one_line_errors()
from cnn_from_scratch.experiment.params import Train
from cnn_from_scratch.experiment.run import train_run
from tests.experiment.studies import HOLDOUT, SIMPLE, stripes
train_run(SIMPLE, 0, stripes(), HOLDOUT, Train(1, None, numerics={numerics!r}, backend={backend!r}))
print(*(name for name in sys.modules if "numba" in name or "compiled" in name))
"""


def _train(backend: str, numerics: str, before: str = "") -> subprocess.CompletedProcess[str]:
    """Train in a process of its own, which prints what it has imported of the compiled backend."""
    code = TRAINING.format(before=before, backend=backend, numerics=numerics)
    path = f"sys.path[:0] = [{str(ROOT / 'src')!r}, {str(ROOT)!r}]"
    return subprocess.run(
        [sys.executable, "-c", code.replace("import sys\n", f"import sys\n{path}\n", 1)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("numerics", ["native", "portable"])
def test_numba_is_imported_only_where_it_is_chosen(numerics: str) -> None:
    result = _train("numpy", numerics)
    assert (result.returncode, result.stdout, result.stderr) == (0, "\n", "")
    result = _train("compiled", numerics)
    assert result.returncode == 0, result.stderr
    assert {"numba", "cnn_from_scratch.compiled.network"} <= set(result.stdout.split())


@pytest.mark.parametrize("numerics", ["native", "portable"])
def test_without_numba_the_compiled_backend_is_refused_in_one_line(numerics: str) -> None:
    without = "sys.modules['numba'] = None"
    result = _train("compiled", numerics, without)
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr == (
        "error: params.yaml: train.backend: compiled needs Numba, which is not installed:"
        " pip install -e '.[compiled]'\n"
    )
    assert _train("numpy", numerics, without).returncode == 0


FAILING = """
class Failing:
    def find_spec(self, name, path, target=None):
        if name == "numba":
            raise ImportError("Numba needs NumPy 2.3 or less. Got NumPy 2.4.")
sys.meta_path.insert(0, Failing())
"""


def test_a_numba_that_does_not_fit_is_refused_in_one_line() -> None:
    result = _train("compiled", "native", FAILING)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        "error: params.yaml: train.backend: compiled needs Numba, which cannot be imported:"
        " Numba needs NumPy 2.3 or less. Got NumPy 2.4.\n"
    )


def _thread_of(rows: slice) -> Array:
    """Return the part's start and the thread; a number overflows, which warns if that is told."""
    with_overflow = np.float64(1e308) * np.float64(10.0)
    return np.array([rows.start, threading.get_ident(), with_overflow])


@pytest.fixture
def _two_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    for cached in (backends._threads, backends._pool):
        cached.cache_clear()
    yield
    backends._pool().shutdown()
    for cached in (backends._threads, backends._pool):
        cached.cache_clear()


CHUNKS = [slice(i, i + 1) for i in range(20)]


@pytest.mark.usefixtures("_two_threads")
def test_parts_are_worked_through_by_threads() -> None:
    """In order, by others than the main thread, with its error state."""
    with np.errstate(over="ignore"):
        starts, threads, _ = np.array(list(in_threads(_thread_of, CHUNKS))).T
    assert starts.tolist() == [*range(20)]
    assert threading.get_ident() not in threads
    with pytest.raises(RuntimeWarning, match="overflow"):
        list(in_threads(_thread_of, CHUNKS))


@pytest.mark.usefixtures("_two_threads")
def test_one_chunk_needs_no_thread() -> None:
    with np.errstate(over="ignore"):
        [[start, thread, _]] = in_threads(_thread_of, CHUNKS[:1])
    assert (start, thread) == (0, threading.get_ident())


@pytest.mark.usefixtures("_two_threads")
@pytest.mark.parametrize("which", ["native", "portable"])
def test_threads_change_no_bit(which: Any) -> None:
    """Of a training whose batches are cut into chunks."""
    results = []
    for map_chunks in (map, in_threads):
        backend = backend_for(Train(2, None, numerics=which))
        backend = replace(backend, map_chunks=map_chunks, chunk_size=200)
        network = build_network(ENHANCED, 0, stripes(), backend=backend)
        samples = Samples(stripes().X, stripes().y)
        assert len(chunks(network, len(samples.x))) > 2
        with numerics.using(backend.numerics):
            fit(
                network,
                Adam(),
                samples,
                samples,
                Training(epochs=3, shuffle_rng=np.random.RandomState(0)),
            )
        results.append(network.theta)
    np.testing.assert_array_equal(results[0], results[1])


@pytest.mark.parametrize(("wanted", "threads"), [("3", 3), ("1", 1)])
def test_the_number_of_threads_is_the_one_that_is_asked_for(
    wanted: str, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", wanted)
    assert backends._threads.__wrapped__() == threads


@pytest.mark.parametrize("wanted", ["", "0", "-1", "many"])
def test_any_other_number_of_threads_is_that_of_the_cores(
    wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", wanted)
    assert 1 <= backends._threads.__wrapped__() <= (os.cpu_count() or 1)
