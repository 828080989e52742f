"""A dense network in scikit-learn, float32: it has no convolutions."""

import numpy as np
from sklearn.neural_network import MLPClassifier

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.nn.optimizers import Adam
from ours import network_of
from workloads import Problem


class Training:
    """Steps of training on all samples at once: to scikit-learn, epochs of one batch."""

    def __init__(self, problem: Problem):
        self.x = problem.samples.x.reshape(len(problem.samples.x), -1).astype(np.float32)
        self.targets = problem.samples.targets
        adam = Adam()
        self.classifier = MLPClassifier(
            [64],
            solver="adam",
            alpha=0.0,
            batch_size=len(self.x),
            learning_rate_init=adam.lr,
            beta_1=adam.beta1,
            beta_2=adam.beta2,
            epsilon=adam.eps,
        )
        self.classifier.partial_fit(self.x, self.targets, classes=np.arange(10))
        self._start_as_ours(problem)

    def _start_as_ours(self, problem: Problem) -> None:
        """Put our initial parameters in place of its own, and forget that it was trained."""
        weighted = [params for params in network_of(problem).params if "W" in params]
        for i, params in enumerate(weighted):
            self.classifier.coefs_[i][...] = params["W"]
            self.classifier.intercepts_[i][...] = params["b"]
        del self.classifier._optimizer  # which makes it begin a new one

    def run(self, times: int) -> None:
        """Train for so many steps."""
        for _ in range(times):
            self.classifier.partial_fit(self.x, self.targets)

    def outcome(self) -> Array:
        """Return the loss."""
        p = self.classifier.predict_proba(self.x)
        return np.array(-np.log(p[np.arange(len(p)), self.targets]).mean())


training = Training
