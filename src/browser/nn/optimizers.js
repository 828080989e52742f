// The optimizers: each is its equation, on the one vector theta. As nn/optimizers.py, which has the
// sources.
//
// update(g, state, theta) returns [delta, state]; the caller adds delta to theta, scaled by the
// learning-rate schedule. g is the gradient of the loss at theta; t counts updates from 1; eps
// always stands outside the root. weightDecay is that of L2 regularization, except in AdamW.

/** What every optimizer can do; unless told, its state is one array like theta. */
class Optimizer {
  init(theta) {
    return new Float64Array(theta.length);
  }

  /** Return [delta, new state]: `step`, with the weight decay in g. */
  update(g, state, theta) {
    const { weightDecay } = this;
    return this.step(weightDecay ? g.map((gi, i) => gi + weightDecay * theta[i]) : g, state);
  }
}

/** Gradient descent: delta = -lr * g. */
export class SGD extends Optimizer {
  constructor({ lr = 0.9, weightDecay = 0 } = {}) {
    super();
    Object.assign(this, { lr, weightDecay });
  }

  init() {
    return null;
  }

  step(g, state) {
    return [g.map((gi) => -this.lr * gi), state];
  }
}

/** A velocity: v_t = momentum * v_{t-1} + g, delta = -lr * v_t. */
export class Momentum extends Optimizer {
  constructor({ lr = 0.1, momentum = 0.9, weightDecay = 0 } = {}) {
    super();
    Object.assign(this, { lr, momentum, weightDecay });
  }

  step(g, state) {
    const v = state.map((vi, i) => this.momentum * vi + g[i]);
    return [v.map((vi) => -this.lr * vi), v];
  }
}

/** Nesterov's: v_t = momentum * v_{t-1} + g, delta = -lr * (g + momentum * v_t). */
export class NAG extends Optimizer {
  constructor({ lr = 0.1, momentum = 0.9, weightDecay = 0 } = {}) {
    super();
    Object.assign(this, { lr, momentum, weightDecay });
  }

  step(g, state) {
    const v = state.map((vi, i) => this.momentum * vi + g[i]);
    return [v.map((vi, i) => -this.lr * (g[i] + this.momentum * vi)), v];
  }
}

/** v_t = v_{t-1} + g^2, delta = -lr * g / (sqrt(v_t) + eps). */
export class Adagrad extends Optimizer {
  constructor({ lr = 0.1, eps = 1e-8, weightDecay = 0 } = {}) {
    super();
    Object.assign(this, { lr, eps, weightDecay });
  }

  step(g, state) {
    const v = state.map((vi, i) => vi + g[i] * g[i]);
    return [v.map((vi, i) => (-this.lr * g[i]) / (Math.sqrt(vi) + this.eps)), v];
  }
}

/** v_t = rho * v_{t-1} + (1 - rho) * g^2, delta = -lr * g / (sqrt(v_t) + eps). */
export class RMSprop extends Optimizer {
  constructor({ lr = 0.001, rho = 0.9, eps = 1e-8, weightDecay = 0 } = {}) {
    super();
    Object.assign(this, { lr, rho, eps, weightDecay });
  }

  step(g, state) {
    const { lr, rho, eps } = this;
    const v = state.map((vi, i) => rho * vi + (1 - rho) * g[i] * g[i]);
    return [v.map((vi, i) => (-lr * g[i]) / (Math.sqrt(vi) + eps)), v];
  }
}

/**
 * Momentum and RMSprop together, both corrected for their start at zero.
 *
 * m_t   = beta1 * m_{t-1} + (1 - beta1) * g
 * v_t   = beta2 * v_{t-1} + (1 - beta2) * g^2
 * delta = -lr * (m_t / (1 - beta1^t)) / (sqrt(v_t / (1 - beta2^t)) + eps)
 *
 * The powers are kept in the state and multiplied up.
 */
export class Adam extends Optimizer {
  constructor({ lr = 0.01, beta1 = 0.7, beta2 = 0.99, eps = 1e-8, weightDecay = 0 } = {}) {
    super();
    Object.assign(this, { lr, beta1, beta2, eps, weightDecay });
  }

  init(theta) {
    return { m: super.init(theta), v: super.init(theta), beta1T: 1, beta2T: 1 };
  }

  step(g, state) {
    const { lr, beta1, beta2, eps } = this;
    const m = state.m.map((mi, i) => beta1 * mi + (1 - beta1) * g[i]);
    const v = state.v.map((vi, i) => beta2 * vi + (1 - beta2) * g[i] * g[i]);
    const [beta1T, beta2T] = [state.beta1T * beta1, state.beta2T * beta2];
    const delta = m.map(
      (mi, i) => (-lr * (mi / (1 - beta1T))) / (Math.sqrt(v[i] / (1 - beta2T)) + eps),
    );
    return [delta, { m, v, beta1T, beta2T }];
  }
}

/** Adam with decoupled weight decay: Adam's delta, minus lr * weightDecay * theta. */
export class AdamW extends Adam {
  constructor({ weightDecay = 0.01, ...settings } = {}) {
    super({ weightDecay, ...settings });
  }

  update(g, state, theta) {
    const [delta, next] = this.step(g, state);
    return [delta.map((di, i) => di - this.lr * this.weightDecay * theta[i]), next];
  }
}

/** The optimizers by their names in params.yaml. */
export const OPTIMIZERS = {
  sgd: SGD,
  momentum: Momentum,
  nag: NAG,
  adagrad: Adagrad,
  rmsprop: RMSprop,
  adam: Adam,
  adamw: AdamW,
};
