"""Our network as a contender: NumPy native and portable, compiled, and in plain loops."""

from dataclasses import replace

import numpy as np

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.experiment.backends import backend_for
from cnn_from_scratch.experiment.memory import keep_freed_memory
from cnn_from_scratch.experiment.params import Train
from cnn_from_scratch.nn.backend import Backend
from cnn_from_scratch.nn.layers import Mode
from cnn_from_scratch.nn.network import NUMPY, Sequential
from cnn_from_scratch.nn.numerics import using
from cnn_from_scratch.nn.optimizers import Adam
from cnn_from_scratch.nn.training import Samples, chunks, evaluate, gradient, predict, update
from loops import looped
from workloads import Problem


def backend_of(name: str) -> Backend:
    """Return what a contender computes with. Raises InputError if it is not installed."""
    if name == "loops":
        return replace(NUMPY, network=lambda layers, *more: Sequential(looped(layers), *more))
    train = Train(
        epochs=1,
        batch_size=None,
        numerics="portable" if "portable" in name else "native",
        backend="compiled" if "compiled" in name else "numpy",
    )
    return backend_for(train)


def network_of(problem: Problem, backend: str = "native", dtype: str = "float64") -> Sequential:
    """Return the network with the parameters that all contenders start from."""
    found, in_shape = backend_of(backend), problem.samples.x.shape[1:]
    return found.network(problem.layers, in_shape, np.random.RandomState, found, np.dtype(dtype))


def samples_of(problem: Problem, dtype: str) -> Samples:
    """Return the problem's samples in a precision."""
    x, targets = problem.samples
    return Samples(x.astype(dtype), targets)


class Training:
    """Steps of training on all samples at once."""

    def __init__(self, problem: Problem, backend: str, dtype: str):
        keep_freed_memory()  # as the stages do; not for the others, who import this file, too
        self.network = network_of(problem, backend, dtype)
        self.samples = samples_of(problem, dtype)
        if problem.full_batch and len(chunks(self.network, len(self.samples.x))) == 1:
            # As `fit` does once for all its epochs.
            self.samples = self.samples._replace(x=self.network.prepare(self.samples.x))
        self.optimizer = self.network.backend.optimizer(Adam())
        self.state = self.optimizer.init(self.network.theta)

    def run(self, times: int) -> None:
        """Train for so many steps."""
        with using(self.network.backend.numerics):
            for _ in range(times):
                g = gradient(self.network, self.samples, Mode(training=True))
                self.state = update(self.network, self.optimizer, self.state, g)

    def outcome(self) -> Array:
        """Return the loss."""
        with using(self.network.backend.numerics):
            return np.array(evaluate(self.network, self.samples).loss)


class Inference:
    """The logits of all samples."""

    def __init__(self, problem: Problem, backend: str, dtype: str):
        keep_freed_memory()  # as the stages do; not for the others, who import this file, too
        self.network = network_of(problem, backend, dtype)
        self.x = samples_of(problem, dtype).x

    def run(self, times: int) -> None:
        """Compute the logits so many times."""
        with using(self.network.backend.numerics):
            for _ in range(times):
                predict(self.network, self.x)

    def outcome(self) -> Array:
        """Return the logits."""
        with using(self.network.backend.numerics):
            return predict(self.network, self.x)


training, inference = Training, Inference
