"""Who takes part: by the name that the tables show, the module here and its settings.

A module has `training(problem, *settings)` and `inference(problem, *settings)`, which return Work.
All start from the parameters of our network, so that all must come to the same outcome.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from cnn_from_scratch.arithmetic.arrays import Array

Kind = Literal["training", "inference"]

CHUNK = 250  # samples that PyTorch and JAX infer at once, which suits them best of all sizes

CONTENDERS: dict[str, tuple[str, ...]] = {
    "NumPy native, float64": ("ours", "native", "float64"),
    "NumPy native, float32": ("ours", "native", "float32"),
    "NumPy portable, float64": ("ours", "portable", "float64"),
    "compiled, float64": ("ours", "compiled", "float64"),
    "compiled, float32": ("ours", "compiled", "float32"),
    "compiled portable, float64": ("ours", "compiled portable", "float64"),
    "plain loops, float64": ("ours", "loops", "float64"),
    "PyTorch eager, float32": ("torch_contender", "eager"),
    "PyTorch compiled, float32": ("torch_contender", "compiled"),
    "JAX step, float32": ("jax_contender", "step", "float32"),
    "JAX scan, float32": ("jax_contender", "scan", "float32"),
    "JAX step, float64": ("jax_contender", "step", "float64"),
    "JAX scan, float64": ("jax_contender", "scan", "float64"),
    "scikit-learn, float32": ("sklearn_contender",),
}


class Work(Protocol):
    """Something to be timed."""

    def run(self, times: int) -> None:
        """Do it so many times, a training step or an inference, and wait until it is done."""

    def outcome(self) -> "Array":
        """Return the loss after the steps so far, or the logits: what all must agree on."""


class Case(NamedTuple):
    """One thing that the contenders do."""

    problem: str  # a key of workloads.PROBLEMS
    kind: Kind
    samples: int

    def named(self, threads: int) -> str:
        """Return the name that the tables show."""
        samples = f"{self.samples:,} sample{'s' * (self.samples > 1)}"
        return f"{self.problem} {self.kind}, {samples}, {threads} thread{'s' * (threads > 1)}"


def prepare(label: str, case: Case) -> Work:
    """Return the contender's work on a case. Raises what its library raises, if it is missing."""
    from workloads import PROBLEMS  # imports NumPy, which must find the number of threads set

    module, *settings = CONTENDERS[label]
    return getattr(import_module(module), case.kind)(
        PROBLEMS[case.problem](case.samples), *settings
    )
