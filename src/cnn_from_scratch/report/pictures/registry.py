"""The pictures by their names, each with what it is drawn from: a new one is a function and a row.

A row takes of `Outputs` what it needs, and nothing else is read.
"""

from collections.abc import Callable

from matplotlib.figure import Figure

from cnn_from_scratch.report.outputs import Outputs
from cnn_from_scratch.report.pictures.calibration import calibration_figure
from cnn_from_scratch.report.pictures.collapse import collapse_figure
from cnn_from_scratch.report.pictures.comparisons import comparisons_figure
from cnn_from_scratch.report.pictures.confusion import confusion_figure
from cnn_from_scratch.report.pictures.filters import filters_figure
from cnn_from_scratch.report.pictures.losses import loss_figure, loss_panels_figure
from cnn_from_scratch.report.pictures.samples import dataset_figure, misclassified_figure
from cnn_from_scratch.report.pictures.scores import accuracy_figure, scores_figure

PICTURES: dict[str, Callable[[Outputs], Figure]] = {
    "accuracy_by_seed": lambda of: accuracy_figure(of.scores, of.statistics["models"]),
    "calibration": lambda of: calibration_figure(of.reliability, of.loss_floors, of.protocol),
    "collapse": lambda of: collapse_figure(of.scores, of.class_names),
    "comparisons": lambda of: comparisons_figure(of.statistics["comparisons"], of.protocol),
    "confusion": lambda of: confusion_figure(of.confusion, of.class_names, of.protocol),
    "dataset": lambda of: dataset_figure(of.dataset),
    "filters": lambda of: filters_figure(of.best_network, of.dataset, of.protocol),
    "loss": lambda of: loss_figure(of.train_loss, of.loss_floors.values()),
    "losses": lambda of: loss_panels_figure(of.train_loss, of.loss_floors),
    "misclassified": lambda of: misclassified_figure(of.misclassified, of.dataset, of.protocol),
    "scores": lambda of: scores_figure(of.scores, of.statistics["models"]),
}
