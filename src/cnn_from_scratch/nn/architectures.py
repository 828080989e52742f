"""The architectures: named lists of layers, each of which reads like its picture.

`activate_logits` is the published study's one trap. Its equation takes softmax of the last
convolution as it is (false here); its released code, and so its table, squeezes those logits
through the activation first (true here, the default).
"""

from dataclasses import dataclass
from typing import Annotated, Literal, Protocol

from cnn_from_scratch.nn.checks import UNIT_BELOW_1, Checked
from cnn_from_scratch.nn.initializers import InitializerName
from cnn_from_scratch.nn.layers import (
    AvgPool2D,
    BatchNorm,
    Conv2D,
    Dropout,
    Flatten,
    Layer,
    MaxPool2D,
    ReLU,
    Sigmoid,
    Tanh,
)

ActivationName = Literal["sigmoid", "tanh", "relu"]
ACTIVATIONS: dict[ActivationName, Layer] = {"sigmoid": Sigmoid(), "tanh": Tanh(), "relu": ReLU()}


class Architecture(Protocol):
    """What every named architecture can do."""

    def layers(self, num_classes: int) -> list[Layer]:
        """Return the layers that turn an image into num_classes logits."""


@dataclass(frozen=True)
class SimpleCNN(Checked):
    """The published SimpleCNN: 69 parameters for three classes.

    1x6x6 -> conv 3x3 -> 3x4x4 -> pool 2x2 -> 3x2x2 -> conv 2x2 -> Kx1x1 -> K logits

    Beyond the published study: `pool`, `init` of the kernels, batch normalization after the first
    convolution, and dropout (its rate) before the last.
    """

    activation: ActivationName = "sigmoid"
    activate_logits: bool = True
    pool: Literal["max", "avg"] = "max"
    init: InitializerName = "published"
    batch_norm: bool = False
    dropout: Annotated[float, UNIT_BELOW_1] = 0.0

    def layers(self, num_classes: int) -> list[Layer]:
        """Return the layers, ending in K = num_classes logits for 6x6 images."""
        activation = ACTIVATIONS[self.activation]
        return [
            Conv2D(out_channels=3, kernel_size=3, weight_init=self.init),
            *([BatchNorm()] if self.batch_norm else []),
            activation,
            MaxPool2D(kernel_size=2) if self.pool == "max" else AvgPool2D(kernel_size=2),
            *([Dropout(self.dropout)] if self.dropout else []),
            Conv2D(out_channels=num_classes, kernel_size=2, weight_init=self.init),
            *([activation] if self.activate_logits else []),
            Flatten(),
        ]


@dataclass(frozen=True)
class EnhancedCNN(Checked):
    """The published EnhancedCNN: 239 parameters for three classes, and no pooling.

    1x6x6 -> conv 3x3 -> 4x4x4 -> conv 3x3 -> 4x2x2 -> conv 2x2 -> Kx1x1 -> K logits

    Beyond the published study: `init` of the kernels, batch normalization after the first two
    convolutions, and dropout (its rate) before the last.
    """

    activation: ActivationName = "relu"
    activate_logits: bool = True
    init: InitializerName = "published"
    batch_norm: bool = False
    dropout: Annotated[float, UNIT_BELOW_1] = 0.0

    def layers(self, num_classes: int) -> list[Layer]:
        """Return the layers, ending in K = num_classes logits for 6x6 images."""
        activation = ACTIVATIONS[self.activation]
        batch_norm = [BatchNorm()] if self.batch_norm else []
        return [
            Conv2D(out_channels=4, kernel_size=3, weight_init=self.init),
            *batch_norm,
            activation,
            Conv2D(out_channels=4, kernel_size=3, weight_init=self.init),
            *batch_norm,
            activation,
            *([Dropout(self.dropout)] if self.dropout else []),
            Conv2D(out_channels=num_classes, kernel_size=2, weight_init=self.init),
            *([activation] if self.activate_logits else []),
            Flatten(),
        ]


@dataclass(frozen=True)
class Stack:
    """Any layers in a row, written out; the last must give as many logits as there are classes."""

    stack: tuple[Layer, ...]

    def layers(self, num_classes: int) -> list[Layer]:
        """Return the layers."""
        return list(self.stack)


ARCHITECTURES: dict[str, type[Architecture]] = {
    "simple": SimpleCNN,
    "enhanced": EnhancedCNN,
    "stack": Stack,
}
