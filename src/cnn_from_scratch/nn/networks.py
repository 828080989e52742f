"""The named architectures, each a list of layers that reads like its picture.

`activate_logits` is the published study's one trap. Its equation takes softmax of the last
convolution as it is (false here); its released code, and so its table, squeezes those logits
through the activation first (true here, the default).
"""

from dataclasses import dataclass
from typing import Literal, Protocol

from cnn_from_scratch.nn.layers import Conv2D, Flatten, Layer, MaxPool2D, ReLU, Sigmoid

ActivationName = Literal["sigmoid", "relu"]
ACTIVATIONS: dict[ActivationName, Layer] = {"sigmoid": Sigmoid(), "relu": ReLU()}


class Architecture(Protocol):
    """What every named architecture can do."""

    @property
    def activation(self) -> ActivationName:
        """The name of the activation between the layers."""

    def layers(self, num_classes: int) -> list[Layer]:
        """Return the layers that turn an image into num_classes logits."""


@dataclass(frozen=True)
class SimpleCNN:
    """The published SimpleCNN: 69 parameters for three classes.

    1x6x6 -> conv 3x3 -> 3x4x4 -> max-pool 2x2 -> 3x2x2 -> conv 2x2 -> Kx1x1 -> K logits
    """

    activation: ActivationName = "sigmoid"
    activate_logits: bool = True

    def layers(self, num_classes: int) -> list[Layer]:
        """Return the layers, ending in K = num_classes logits for 6x6 images."""
        activation = ACTIVATIONS[self.activation]
        return [
            Conv2D(out_channels=3, kernel_size=3),
            activation,
            MaxPool2D(kernel_size=2),
            Conv2D(out_channels=num_classes, kernel_size=2),
            *([activation] if self.activate_logits else []),
            Flatten(),
        ]


@dataclass(frozen=True)
class EnhancedCNN:
    """The published EnhancedCNN: 239 parameters for three classes, and no pooling.

    1x6x6 -> conv 3x3 -> 4x4x4 -> conv 3x3 -> 4x2x2 -> conv 2x2 -> Kx1x1 -> K logits
    """

    activation: ActivationName = "relu"
    activate_logits: bool = True

    def layers(self, num_classes: int) -> list[Layer]:
        """Return the layers, ending in K = num_classes logits for 6x6 images."""
        activation = ACTIVATIONS[self.activation]
        return [
            Conv2D(out_channels=4, kernel_size=3),
            activation,
            Conv2D(out_channels=4, kernel_size=3),
            activation,
            Conv2D(out_channels=num_classes, kernel_size=2),
            *([activation] if self.activate_logits else []),
            Flatten(),
        ]


NETWORKS: dict[str, type[Architecture]] = {"simple": SimpleCNN, "enhanced": EnhancedCNN}
