// Draw a digit: made like the study's samples, and classified while one draws.

import { announcer } from "./announcer.js";
import { probabilityBars } from "./bars.js";
import { paintPixels } from "./canvas.js";
import { button, element, labelledSelect } from "./elements.js";
import { fitPicture } from "./fitting.js";
import { largestOf, meanProbabilities, networkAt, networksOf } from "./networks.js";
import { percent } from "./numbers.js";
import { drawingPad } from "./pad.js";
import { soon } from "./soon.js";

const SMALL = 120; // pixels of the side of the fitted image on the page

/** Show the part in an element; context: { study, state, library }. */
export function mount(root, context) {
  const { dataset, preparation } = context.study;
  const prepared = Object.values(preparation)[0];
  if (prepared.ground === null) {
    root.replaceChildren(element("p", {}, "These samples are photographs: none can be drawn."));
    return;
  }
  const part = { context, prepared, pixels: null, ...fields(dataset, () => answer(part)) };
  part.say = announcer(part.status);
  const pad = drawingPad(
    dataset.shape,
    prepared.ground < 0.5,
    (picture) => classify(part, picture),
    part.say,
  );
  root.replaceChildren(layout(part, pad));
  context.state.subscribe(soon(() => answer(part)));
  answer(part);
}

function fields(dataset, onChange) {
  const [, height, width] = dataset.shape;
  const options = [["run", "the run shown"], ["seeds", "all seeds of the model"]];
  return {
    asked: labelledSelect("Ask ", options, onChange),
    who: element("p", { class: "draw-who" }),
    small: element("canvas", {
      class: "draw-small",
      width: SMALL,
      height: Math.round((SMALL * height) / width),
      role: "img",
      "aria-label": `Your drawing as the network sees it, ${height} x ${width} pixels`,
    }),
    bars: probabilityBars(dataset.class_names),
    verdict: element("p", { class: "draw-verdict" }),
    status: element("p", { class: "draw-status", role: "status", "aria-live": "polite" }),
  };
}

function layout({ asked, who, small, bars, verdict, status }, pad) {
  return element(
    "div",
    { class: "draw" },
    element(
      "div",
      { class: "draw-left" },
      pad.root,
      element("p", {}, button("Undo", pad.undo), " ", button("Clear", pad.clear)),
      element(
        "p",
        { class: "draw-help" },
        "Draw with the mouse or a finger. With the keyboard: arrow keys move the pen, space fills" +
          " or clears a cell.",
      ),
    ),
    element(
      "div",
      { class: "draw-right" },
      asked.label,
      who,
      element("figure", {}, small, element("figcaption", {}, "What the network sees")),
      verdict,
      bars.root,
      status,
    ),
  );
}

/** Take a new picture of the pad, null if nothing is drawn. */
function classify(part, picture) {
  part.pixels = picture && fitted(part, picture);
  answer(part);
}

/** Return the picture as a sample; null if so much was cleared that no ink is left. */
function fitted({ context, prepared }, picture) {
  if (picture.channels[0].every((ink) => ink < 0.5)) return null;
  const { shape } = context.study.dataset;
  const { pixels } = fitPicture(picture, shape, prepared);
  return shape[0] === 1 ? pixels : Float64Array.from(Array(shape[0]).fill([...pixels]).flat());
}

/** Show what the networks asked say now. */
function answer(part) {
  const { context, pixels, prepared, small, bars, verdict, who } = part;
  const { shape } = context.study.dataset;
  const ground = new Float64Array(shape[1] * shape[2]).fill(prepared.ground);
  paintPixels(small, (pixels ?? ground).subarray(0, ground.length), shape[1], shape[2]);
  const { networks, name } = askedNetworks(part);
  who.textContent = name;
  if (pixels === null || networks.length === 0) {
    bars.show(null);
    verdict.textContent = pixels === null ? "Nothing drawn yet." : "Nobody to ask yet.";
    return;
  }
  const { probabilities, text } = readBy(context, networks, pixels);
  bars.show(probabilities);
  verdict.textContent = text;
  part.say(`It reads ${text}.`);
}

/** Return the networks' mean probabilities, and what they come to in words. */
function readBy({ study, library }, networks, pixels) {
  const { shape, class_names: classNames } = study.dataset;
  const x = library.batchOf(shape, [pixels]);
  const [probabilities] = meanProbabilities(networks, x, library);
  const best = largestOf(probabilities);
  const text = `${classNames[best]}, with ${percent(probabilities[best])}`;
  if (networks.length === 1) return { probabilities, text };
  const own = networks.map((network) => library.sampleOf(network.forward(x).outputs.at(-1), 0));
  const agreeing = own.filter((logits) => largestOf(logits) === best).length;
  return { probabilities, text: `${text}; ${agreeing} of ${networks.length} networks agree` };
}

/** Return { networks, name }: who is asked, and what they are called. */
function askedNetworks(part) {
  const { model, seed, epoch, run } = part.context.state.get();
  if (part.asked.select.value === "run") {
    const network = networkAt(run, epoch);
    return { networks: network ? [network] : [], name: `${model}, seed ${seed}, epoch ${epoch}` };
  }
  if (part.all?.model !== model) part.all = { model, networks: networksOf(part.context, model) };
  const networks = part.all.networks.map(({ network }) => network);
  return { networks, name: `${model}, ${networks.length} seeds: the mean of their probabilities` };
}
