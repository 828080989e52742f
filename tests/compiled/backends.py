"""The compiled backends, as runs have them."""

from cnn_from_scratch.experiment.backends import backend_for
from cnn_from_scratch.experiment.params import Train
from cnn_from_scratch.nn.backend import Backend
from cnn_from_scratch.nn.numerics import NumericsName

COMPILED: dict[NumericsName, Backend] = {
    which: backend_for(Train(1, None, numerics=which, backend="compiled"))
    for which in ("native", "portable")
}
