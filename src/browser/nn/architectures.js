// The architectures: named lists of layers. As nn/architectures.py, which has the sources.

import {
  AvgPool2D,
  BatchNorm,
  Conv2D,
  Dense,
  Dropout,
  Flatten,
  MaxPool2D,
  ReLU,
  Sigmoid,
  Tanh,
} from "./layers.js";

const ACTIVATIONS = { sigmoid: new Sigmoid(), tanh: new Tanh(), relu: new ReLU() };

/** The published SimpleCNN: conv 3x3 -> pool 2x2 -> a convolution that spans what is left. */
export class SimpleCNN {
  constructor({
    activation = "sigmoid",
    activateLogits = true,
    pool = "max",
    init = "published",
    batchNorm = false,
    dropout = 0,
  } = {}) {
    Object.assign(this, { activation, activateLogits, pool, init, batchNorm, dropout });
  }

  /** Return the layers that turn an image into numClasses logits. */
  layers(numClasses) {
    const activation = ACTIVATIONS[this.activation];
    const Pool = this.pool === "max" ? MaxPool2D : AvgPool2D;
    return [
      new Conv2D({ outChannels: 3, kernelSize: 3, weightInit: this.init }),
      ...(this.batchNorm ? [new BatchNorm()] : []),
      activation,
      new Pool({ kernelSize: 2 }),
      ...(this.dropout ? [new Dropout({ rate: this.dropout })] : []),
      new Conv2D({ outChannels: numClasses, kernelSize: null, weightInit: this.init }),
      ...(this.activateLogits ? [activation] : []),
      new Flatten(),
    ];
  }
}

/** The published EnhancedCNN: conv 3x3 -> conv 3x3 -> a convolution that spans what is left. */
export class EnhancedCNN {
  constructor({
    activation = "relu",
    activateLogits = true,
    init = "published",
    batchNorm = false,
    dropout = 0,
  } = {}) {
    Object.assign(this, { activation, activateLogits, init, batchNorm, dropout });
  }

  /** Return the layers that turn an image into numClasses logits. */
  layers(numClasses) {
    const activation = ACTIVATIONS[this.activation];
    const batchNorm = this.batchNorm ? [new BatchNorm()] : [];
    return [
      new Conv2D({ outChannels: 4, kernelSize: 3, weightInit: this.init }),
      ...batchNorm,
      activation,
      new Conv2D({ outChannels: 4, kernelSize: 3, weightInit: this.init }),
      ...batchNorm,
      activation,
      ...(this.dropout ? [new Dropout({ rate: this.dropout })] : []),
      new Conv2D({ outChannels: numClasses, kernelSize: null, weightInit: this.init }),
      ...(this.activateLogits ? [activation] : []),
      new Flatten(),
    ];
  }
}

/** LeNet-5 as it is built today, with ReLU and maxima; padding: of the first convolution. */
export class LeNet {
  constructor({ kernelSize = 5, padding = 2 } = {}) {
    Object.assign(this, { kernelSize, padding });
  }

  /** Return the layers that turn an image into numClasses logits. */
  layers(numClasses) {
    const { kernelSize, padding } = this;
    return [
      new Conv2D({ outChannels: 6, kernelSize, padding, weightInit: "he" }),
      new ReLU(),
      new MaxPool2D({ kernelSize: 2 }),
      new Conv2D({ outChannels: 16, kernelSize, weightInit: "he" }),
      new ReLU(),
      new MaxPool2D({ kernelSize: 2 }),
      new Flatten(),
      new Dense({ outFeatures: 120, weightInit: "he" }),
      new ReLU(),
      new Dense({ outFeatures: 84, weightInit: "he" }),
      new ReLU(),
      new Dense({ outFeatures: numClasses, weightInit: "he" }),
    ];
  }
}

/** A small network in the manner of VGG: three blocks of two convolutions. */
export class VGGSmall {
  constructor({ channels = 32, dropout = 0.2 } = {}) {
    Object.assign(this, { channels, dropout });
  }

  /** Return the layers that turn an image into numClasses logits. */
  layers(numClasses) {
    return [
      ...this.block(this.channels),
      ...this.block(2 * this.channels),
      ...this.block(4 * this.channels),
      new Flatten(),
      new Dense({ outFeatures: numClasses, weightInit: "he" }),
    ];
  }

  block(outChannels) {
    const conv = new Conv2D({ outChannels, kernelSize: 3, padding: 1, weightInit: "he" });
    const convNormReLU = [conv, new BatchNorm(), new ReLU()];
    const dropout = new Dropout({ rate: this.dropout });
    return [...convNormReLU, ...convNormReLU, new MaxPool2D({ kernelSize: 2 }), dropout];
  }
}

/** Any layers in a row; the last must give as many logits as there are classes. */
export class Stack {
  constructor({ stack }) {
    this.stack = stack;
  }

  /** Return the layers. */
  layers() {
    return this.stack;
  }
}

/** The architectures by their names in params.yaml. */
export const ARCHITECTURES = {
  simple: SimpleCNN,
  enhanced: EnhancedCNN,
  lenet: LeNet,
  vgg_small: VGGSmall,
  stack: Stack,
};
