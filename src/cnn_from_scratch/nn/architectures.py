"""The architectures: named lists of layers, each of which reads like its picture.

`activate_logits` is the published study's one trap. Its equation takes softmax of the last
convolution as it is (false here); its released code, and so its table, squeezes those logits
through the activation first (true here, the default).
"""

from dataclasses import dataclass
from typing import Annotated, Literal, Protocol

from cnn_from_scratch.checks import AT_LEAST_1, NOT_NEGATIVE, UNIT_BELOW_1, Checked
from cnn_from_scratch.nn.initializers import InitializerName
from cnn_from_scratch.nn.layers import (
    AvgPool2D,
    BatchNorm,
    Conv2D,
    Dense,
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

    Of larger images, the last kernel spans what the pooling leaves; 4x4 are the smallest.

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
        """Return the layers, ending in K = num_classes logits for images of any size."""
        activation = ACTIVATIONS[self.activation]
        return [
            Conv2D(out_channels=3, kernel_size=3, weight_init=self.init),
            *([BatchNorm()] if self.batch_norm else []),
            activation,
            MaxPool2D(kernel_size=2) if self.pool == "max" else AvgPool2D(kernel_size=2),
            *([Dropout(self.dropout)] if self.dropout else []),
            Conv2D(out_channels=num_classes, kernel_size=None, weight_init=self.init),
            *([activation] if self.activate_logits else []),
            Flatten(),
        ]


@dataclass(frozen=True)
class EnhancedCNN(Checked):
    """The published EnhancedCNN: 239 parameters for three classes, and no pooling.

    1x6x6 -> conv 3x3 -> 4x4x4 -> conv 3x3 -> 4x2x2 -> conv 2x2 -> Kx1x1 -> K logits

    Of larger images, the last kernel spans what is left; 5x5 are the smallest.

    Beyond the published study: `init` of the kernels, batch normalization after the first two
    convolutions, and dropout (its rate) before the last.
    """

    activation: ActivationName = "relu"
    activate_logits: bool = True
    init: InitializerName = "published"
    batch_norm: bool = False
    dropout: Annotated[float, UNIT_BELOW_1] = 0.0

    def layers(self, num_classes: int) -> list[Layer]:
        """Return the layers, ending in K = num_classes logits for images of any size."""
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
            Conv2D(out_channels=num_classes, kernel_size=None, weight_init=self.init),
            *([activation] if self.activate_logits else []),
            Flatten(),
        ]


@dataclass(frozen=True)
class LeNet(Checked):
    """LeNet-5 as it is built today, with ReLU and maxima: 61,706 parameters for ten classes.

    1x28x28 -> conv 5x5 -> 6x28x28 -> pool 2x2 -> 6x14x14 -> conv 5x5 -> 16x10x10 -> pool 2x2
    -> 16x5x5 -> dense 120 -> dense 84 -> K logits

    padding: of the first convolution. LeCun's images are 32x32, with room around the digit; 2 makes
    that of 28x28. For 8x8 images: kernel_size 3, padding 3.

    Source: LeCun et al. 1998, "Gradient-based learning applied to document recognition", whose
    network has trained poolings, tanh, and radial basis functions as the last layer.
    """

    kernel_size: Annotated[int, AT_LEAST_1] = 5
    padding: Annotated[int, NOT_NEGATIVE] = 2

    def layers(self, num_classes: int) -> list[Layer]:
        """Return the layers, ending in K = num_classes logits for images of any size."""
        return [
            Conv2D(6, self.kernel_size, padding=self.padding, weight_init="he"),
            ReLU(),
            MaxPool2D(kernel_size=2),
            Conv2D(16, self.kernel_size, weight_init="he"),
            ReLU(),
            MaxPool2D(kernel_size=2),
            Flatten(),
            Dense(120, weight_init="he"),
            ReLU(),
            Dense(84, weight_init="he"),
            ReLU(),
            Dense(num_classes, weight_init="he"),
        ]


@dataclass(frozen=True)
class VGGSmall(Checked):
    """A small network in the manner of VGG, for 32x32 images: three blocks of two convolutions.

    3x32x32 -> block -> 32x16x16 -> block -> 64x8x8 -> block -> 128x4x4 -> K logits
    block: conv 3x3 -> conv 3x3 -> pool 2x2

    Each convolution keeps the size, and batch normalization and ReLU follow; dropout (its rate)
    ends each block. 8x8 images are the smallest. channels: of the first block; each next has twice
    as many.

    Source: Simonyan and Zisserman 2015, "Very deep convolutional networks for large-scale image
    recognition", whose networks end in three dense layers and have no batch normalization.
    """

    channels: Annotated[int, AT_LEAST_1] = 32
    dropout: Annotated[float, UNIT_BELOW_1] = 0.2

    def layers(self, num_classes: int) -> list[Layer]:
        """Return the layers, ending in K = num_classes logits for images of any size."""
        return [
            *self._block(self.channels),
            *self._block(2 * self.channels),
            *self._block(4 * self.channels),
            Flatten(),
            Dense(num_classes, weight_init="he"),
        ]

    def _block(self, channels: int) -> list[Layer]:
        conv = Conv2D(channels, kernel_size=3, padding=1, weight_init="he")
        conv_norm_relu: list[Layer] = [conv, BatchNorm(), ReLU()]
        return [*conv_norm_relu, *conv_norm_relu, MaxPool2D(2), Dropout(self.dropout)]


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
    "lenet": LeNet,
    "vgg_small": VGGSmall,
    "stack": Stack,
}
