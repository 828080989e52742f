"""Draw a study's pictures, in its folder: metrics/ and the data of the plots -> plots/*.png."""

import json
import sys
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from cnn_from_scratch import InputError, one_line_errors

one_line_errors()

import pandas as pd

from cnn_from_scratch.experiment.files import replacing
from cnn_from_scratch.report.collapse import collapse_figure
from cnn_from_scratch.report.figures import accuracy_figure, loss_figure, save_figure


def main() -> None:
    """Read what `aggregate` wrote, and draw it."""
    try:
        scores = pd.read_parquet("metrics/runs.parquet")
        statistics = json.loads(Path("metrics/statistics.json").read_text(encoding="utf-8"))
        train_loss = pd.read_json("plots/train_loss.json")
        confusion = pd.read_json("plots/confusion.json")
    except (OSError, ValueError) as error:
        raise InputError(f"{error}; the study's stage 'aggregate' makes it") from error
    figures = {
        "plots/accuracy_by_seed.png": accuracy_figure(scores, statistics["models"]),
        "plots/collapse.png": collapse_figure(scores, int(confusion["label"].max())),
        "plots/loss.png": loss_figure(train_loss, scores["loss_floor"]),
    }
    with ExitStack() as stack:
        for path, figure in figures.items():
            save_figure(figure, stack.enter_context(replacing(Path(path))))


if __name__ == "__main__":
    main()
