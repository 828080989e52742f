// The parts of the page: each fills the element with its id.

import { mount as controls } from "./controls.js";
import { mount as curves } from "./curves.js";
import { mount as draw } from "./draw.js";
import { mount as equation } from "./equations.js";
import { mount as exercises } from "./exercises.js";
import { mount as logits } from "./logits.js";
import { mount as network } from "./network_view.js";
import { mount as sample } from "./sample.js";
import { mount as settings } from "./settings.js";

export const PARTS = {
  controls,
  curves,
  sample,
  network,
  equation,
  logits,
  draw,
  settings,
  exercises,
};
