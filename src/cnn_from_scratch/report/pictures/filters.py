"""The picture of one run's insides: its kernels, and what it makes of a sample of each class."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.experiment.dataset import Dataset, Indices
from cnn_from_scratch.nn.layers import EVALUATION, Conv2D, Dropout, Flatten
from cnn_from_scratch.nn.losses import softmax
from cnn_from_scratch.nn.network import Sequential
from cnn_from_scratch.nn.training import predict
from cnn_from_scratch.report.names import split_title
from cnn_from_scratch.report.outputs import TrainedNetwork
from cnn_from_scratch.report.pictures.mosaic import as_picture, canvas, draw_tile
from cnn_from_scratch.report.pictures.style import STYLE, shown_name

# So many are drawn at most, the first ones; what is left out is said.
MAX_CONVOLUTIONS = 4
MAX_CHANNELS = 4
MAX_UNITS = 10  # numbers of a vector
MAX_STEPS = 6  # before the logits
MAX_CLASSES = 10
MAX_LAYERS = 6  # named in a step
INPUT = "input"
SEARCHED = 50  # samples of a class, for one that the network gets right

TILE = 0.44  # inches, as all lengths here
CELL = 0.26  # of a vector
GAP = 0.04
BETWEEN = 0.3  # blocks
MARGIN = 0.15
LETTER = 0.07  # a small one's width, at most
LINE = 0.145  # a small one's height
SMALL = 8  # points
NOTE_LETTERS = 110  # in a line


class LayerOutput(NamedTuple):
    """What some samples have become after a layer, and after those that follow it closely."""

    name: str  # one line per layer
    values: Array  # images (N, C, H, W) or vectors (N, D)


@dataclass(frozen=True)
class Sample:
    """A sample of the dataset, its class, and the one that the network says; indices of both."""

    index: int
    label: int
    predicted: int


@dataclass(frozen=True)
class Block:
    """Tiles in rows and columns, under a header; of one range of values."""

    header: str
    rows: list[list[Array]]  # of images (H, W), or (H, W, 3) in colour
    limits: tuple[float, float]
    tile: float = TILE  # the longer side of each

    @property
    def width(self) -> float:
        """Of tiles and header, whichever is wider."""
        tiles = len(self.rows[0]) * (self.tile + GAP)
        return max(tiles, _text_width(self.header))


@dataclass(frozen=True)
class Section:
    """Blocks side by side, under a title and a note, with a key to their colours."""

    title: str
    note: str
    cmap: str
    ends: tuple[str, str]  # of the colours
    blocks: list[Block]
    before: list[str]  # each row
    after: list[str]  # each row

    @property
    def left(self) -> float:
        """Where the first block begins."""
        return MARGIN + max((_text_width(text) + 0.1 for text in self.before), default=0.0)

    @property
    def width(self) -> float:
        """With both margins."""
        right = max(map(_text_width, self.after), default=0.0) + MARGIN
        blocks = sum(block.width + BETWEEN for block in self.blocks)
        return max(self.left + blocks + right, _text_width(self.note) + 2 * MARGIN)

    @property
    def head(self) -> float:
        """From the top to the first row of tiles."""
        lines = max((block.header.count("\n") + 1 for block in self.blocks), default=0)
        return 0.5 + LINE * (self.note.count("\n") + 1 + lines)

    @property
    def height(self) -> float:
        """With the space below."""
        rows = max((len(block.rows) for block in self.blocks), default=0)
        return self.head + rows * (TILE + GAP) + 0.25


@mpl.rc_context(STYLE)
def filters_figure(run: TrainedNetwork, dataset: Dataset, protocol: str) -> Figure:
    """Draw the best run's kernels, and the maps it makes of a sample of each class, step by step.

    run: of `Outputs.best_network`.
    """
    network, model, seed = run
    sections = [_kernels(network), _maps(network, dataset)]
    top = 0.75
    width = max(section.width for section in sections)
    figure, axes = canvas(width, top + sum(section.height for section in sections))
    held_out = split_title("val", protocol)
    why = f"The model with the best mean accuracy ({held_out}), and the first of its seeds"
    axes.text(MARGIN, 0.12, f"Inside a run: {model}, seed {seed}", fontsize=12, va="top")
    axes.text(MARGIN, 0.4, why, fontsize=SMALL, va="top")
    for section in sections:
        _draw(axes, section, top)
        top += section.height
    return figure


def layer_outputs(network: Sequential, images: Array) -> list[LayerOutput]:
    """Return what the network makes of images: them, what they become, logits, probabilities.

    Layers that have no weights and keep the size, such as activations, belong to the step before.
    images (N, C, H, W); the last two steps are (N, K).
    """
    found = [LayerOutput(INPUT, images)]
    x = images
    for layer, params in zip(network.layers, network.params, strict=True):
        before = x
        x, _ = layer.forward(params, x, EVALUATION)
        if isinstance(layer, Flatten | Dropout):
            continue  # no number changes, and maps are better to look at than vectors
        name = type(layer).__name__
        if len(found) > 1 and "W" not in params and x.size == before.size:
            name = f"{found.pop().name}\n{name}"
        found.append(LayerOutput(name, x))
    name = f"{found.pop().name}\nlogits" if len(found) > 1 else "logits"
    return [*found, LayerOutput(name, x), LayerOutput("softmax\nprobabilities", softmax(x))]


def _kernels(network: Sequential) -> Section:
    weights = [
        params["W"]
        for layer, params in zip(network.layers, network.params, strict=True)
        if isinstance(layer, Conv2D)
    ]
    note = "Columns: output maps; rows: input maps. Weights have no unit."
    if network.in_shape[0] == 3 and weights:
        note += " The rows of the first convolution are red, green and blue."
    if len(weights) > MAX_CONVOLUTIONS:
        note += f" The first {MAX_CONVOLUTIONS} of {len(weights)} convolutions."
    blocks = []
    for place, weight in enumerate(weights[:MAX_CONVOLUTIONS], start=1):
        outputs, inputs, size, _ = weight.shape
        largest = float(np.abs(weight).max())
        header = (
            f"convolution {place}, {size}x{size}\n{_of(outputs, MAX_CHANNELS, 'output')},"
            f" {_of(inputs, MAX_CHANNELS, 'input')}\nlargest weight: ±{largest:.2g}"
        )
        kernels = weight[:MAX_CHANNELS, :MAX_CHANNELS].swapaxes(0, 1)
        blocks.append(Block(header, [list(row) for row in kernels], (-largest, largest)))
    return Section(
        title="Learned kernels",
        note=note if weights else "None: this network has no convolution.",
        cmap="PuOr",
        ends=("- largest weight", "+ largest weight"),
        blocks=blocks,
        before=[],
        after=[],
    )


def _maps(network: Sequential, dataset: Dataset) -> Section:
    samples = _samples(network, dataset)
    *before_logits, logits, probabilities = layer_outputs(
        network, _pixels(dataset, network, [sample.index for sample in samples])
    )
    shown = [*before_logits[:MAX_STEPS], logits, probabilities]
    names = [shown_name(name) for name in dataset.class_names]
    note = (
        f"Of each class, the first of its first {SEARCHED} samples that the network gets right, or,"
        " if it gets none right, the first; counted from 0. Under a step's name: its lowest and"
        " highest number here. Logits and probabilities: one for each class, in the same order."
    )
    if len(before_logits) > MAX_STEPS:
        note += f" The first {MAX_STEPS} of {len(before_logits)} steps before the logits."
    if dataset.num_classes > MAX_CLASSES:
        note += f" The first {MAX_CLASSES} of {dataset.num_classes} classes."
    return Section(
        title="Feature maps",
        note=textwrap.fill(note, NOTE_LETTERS),
        cmap="gray_r",
        ends=("lowest of its step", "highest"),
        blocks=[_output_block(output) for output in shown],
        before=[f"label {names[sample.label]}\nsample {sample.index}" for sample in samples],
        after=[
            f"called {names[sample.predicted]}\nat {p[sample.predicted]:.0%}"
            for sample, p in zip(samples, probabilities.values, strict=True)
        ],
    )


def _samples(network: Sequential, dataset: Dataset) -> list[Sample]:
    """Return a sample of each of the first classes, a rightly classified one if there is any."""
    samples = []
    for label in range(min(dataset.num_classes, MAX_CLASSES)):
        own = np.flatnonzero(dataset.y == label)[:SEARCHED]
        if len(own):
            predicted = predict(network, _pixels(dataset, network, own)).argmax(axis=1)
            place = int((predicted == label).argmax())  # 0 if none is right
            samples.append(Sample(int(own[place]), label, int(predicted[place])))
    return samples


def _pixels(dataset: Dataset, network: Sequential, rows: Sequence[int] | Indices) -> Array:
    """Return some of the images as the network takes them."""
    return dataset.pixels[rows].astype(network.theta.dtype)


def _output_block(output: LayerOutput) -> Block:
    values, tile = output.values, TILE
    if values.ndim == 2:
        shape = _of(values.shape[1], MAX_UNITS, "number")
        values = values[:, :MAX_UNITS]
        rows = [[vector[np.newaxis]] for vector in values]  # one map, of height 1
        tile = CELL * values.shape[1]
    elif output.name == INPUT and values.shape[1] == 3:
        shape = f"in colour, {values.shape[2]}x{values.shape[3]}"
        rows = [[as_picture(image)] for image in values]
    else:
        shape = f"{_of(values.shape[1], MAX_CHANNELS, 'map')}, {values.shape[2]}x{values.shape[3]}"
        values = values[:, :MAX_CHANNELS]
        rows = [list(maps) for maps in values]
    low, high = float(values.min()), float(values.max())
    header = f"{_layer_names(output.name)}\n{shape}\n{low:.2g} to {high:.2g}"
    return Block(header, rows, (low, high), tile)


def _layer_names(name: str) -> str:
    """Return a step's name, without the middle of a long one."""
    lines = name.splitlines()
    more = len(lines) - MAX_LAYERS
    if more <= 0:
        return name
    return "\n".join([*lines[: MAX_LAYERS - 1], f"and {more} more", lines[-1]])


def _draw(axes: Axes, section: Section, top: float) -> None:
    axes.text(MARGIN, top, section.title, fontsize=10, weight="bold", va="top")
    axes.text(MARGIN, top + 0.22, section.note, fontsize=SMALL, va="top")
    if section.blocks:
        _draw_key(axes, section, 1.6, top + 0.02)
    first = top + section.head
    left = section.left
    for block in section.blocks:
        axes.text(left, first - 0.05, block.header, fontsize=SMALL, va="bottom")
        for row, images in enumerate(block.rows):
            for column, image in enumerate(images):
                tile_height = block.tile * image.shape[0] / max(image.shape)
                draw_tile(
                    axes, image, left + column * (block.tile + GAP),
                    first + row * (TILE + GAP) + (TILE - tile_height) / 2,
                    limits=block.limits, cmap=section.cmap, size=block.tile,
                )  # fmt: skip
        left += block.width + BETWEEN
    for texts, x in ((section.before, MARGIN), (section.after, left)):
        for row, text in enumerate(texts):
            middle = first + row * (TILE + GAP) + TILE / 2
            axes.text(x, middle, text, fontsize=SMALL, va="center")


def _draw_key(axes: Axes, section: Section, left: float, top: float) -> None:
    """Draw the colours from low to high, in 32 shades, between what their ends mean."""
    low, high = section.ends
    start = left + LETTER * len(low)
    axes.text(start - 0.06, top, low, fontsize=SMALL, va="top", ha="right")
    shades = np.linspace(0.0, 1.0, 32)[np.newaxis].repeat(3, axis=0)
    draw_tile(axes, shades, start, top, limits=(0.0, 1.0), cmap=section.cmap, size=1.3)
    axes.text(start + 1.36, top, high, fontsize=SMALL, va="top")


def _of(total: int, most: int, noun: str) -> str:
    """Return '4 of 32 maps', or '3 maps' where all are drawn."""
    return ("" if total <= most else f"{most} of ") + f"{total} {noun}{'' if total == 1 else 's'}"


def _text_width(text: str) -> float:
    return LETTER * max(map(len, text.splitlines()))
