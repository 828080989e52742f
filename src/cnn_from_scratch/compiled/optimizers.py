"""The optimizers, their equations compiled as they stand in `nn.optimizers`.

There every operation goes once through theta, which for a small network takes less time than to
call it. Here an equation is one call. The operations are the same, and so are the bits.
"""

from collections import namedtuple
from collections.abc import Callable
from dataclasses import fields
from functools import cache
from typing import Any

import numpy as np

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.compiled.kernel import function
from cnn_from_scratch.nn.optimizers import NAG, Adagrad, Adam, AdamW, Momentum, Optimizer, RMSprop

# SGD's equation is a single operation.
OPTIMIZERS_WITH_LOOPS = (Momentum, NAG, Adagrad, RMSprop, Adam, AdamW)

Equation = Callable[[Any, Array, Any], tuple[Array, Any]]


def compiled(optimizer: Optimizer) -> Optimizer:
    """Return the optimizer with its equation compiled, if it is one of the OPTIMIZERS_WITH_LOOPS.

    In float32 it stays NumPy's, as loops would compute with the hyper-parameters' float64.
    """
    kind: Any = type(optimizer)
    return _compiled(kind)(**vars(optimizer)) if kind in OPTIMIZERS_WITH_LOOPS else optimizer


@cache
def _compiled(kind: Any) -> Any:
    """Return the class with another `step`: the equation's `self` is the tuple of its numbers."""
    in_numpy: Equation = kind.step
    in_loops: Equation = function()(kind.step)
    # Of a name for each class, by which Numba tells them apart quickly.
    numbers = namedtuple(kind.__name__, [field.name for field in fields(kind)])  # type: ignore[misc]

    def step(self: Any, g: Array, state: Any) -> tuple[Array, Any]:
        if g.dtype != np.float64:
            return in_numpy(self, g, state)
        return in_loops(numbers._make(vars(self).values()), g, state)

    return type(kind.__name__, (kind,), {"step": step})
