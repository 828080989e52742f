// Training: which run, its steps, the epoch that is shown, and whether the bits are the recorded.

import { button, element, labelledSelect } from "./elements.js";

/** Fill an element with the controls of the context's trainer. */
export function mount(place, { study, state, trainer }) {
  const choose = () => trainer.choose(model.select.value, Number(seed.select.value));
  const same = (values) => values.map((value) => [value, value]);
  const model = labelledSelect("Model", same(Object.keys(study.models)), choose);
  const seed = labelledSelect("Seed", same(study.seeds), choose);
  const play = button("Train", () => (state.get().playing ? trainer.pause() : trainer.play()), {
    class: "main",
  });
  const step = button("One epoch", () => trainer.step());
  const end = button("To the end", () => trainer.finish());
  const again = button("Start again", choose);
  const slider = element("input", { type: "range", min: 0, max: 0, value: 0, id: "epoch" });
  slider.disabled = study.untrainable !== null; // only one epoch is held
  slider.addEventListener("input", () => state.set({ epoch: Number(slider.value) }));
  const epoch = element("output", { for: "epoch", "aria-live": "off" });
  const result = element("div", { class: "result", role: "status", id: "result" });
  place.append(
    element("div", { class: "row" }, model.label, seed.label),
    element("div", { class: "row", hidden: study.untrainable !== null }, play, step, end, again),
    element("label", { class: "slider" }, element("span", {}, "Epoch shown"), slider, epoch),
    result,
  );
  let told = null;
  const show = () => {
    const { run, epoch: shown, playing, model: name, seed: chosen } = state.get();
    model.select.value = name;
    seed.select.value = chosen;
    play.textContent = playing ? "Pause" : "Train";
    for (const each of [step, end]) each.disabled = run.done;
    play.disabled = run.done;
    slider.max = run.snapshots.length - 1;
    slider.value = shown;
    epoch.textContent = `${shown} of ${study.models[name].train.epochs}`;
    const now = run.done ? run : null;
    if (told === now) return;
    told = now;
    result.replaceChildren(...(run.done ? resultOf(study, state.get()) : []));
  };
  state.subscribe(show);
  show();
}

/** Return what came of a run that is done. */
function resultOf(study, { model, seed, run }) {
  const recorded = study.digests[model][seed];
  if (study.untrainable) {
    return [
      element("p", {}, "These are the recorded parameters. This page does not train them:"),
      element("p", {}, `${study.untrainable}.`),
      digestLine("SHA-256 of the parameters", run.digest),
    ];
  }
  const where = run.diverged ? " It diverged; this is the last epoch before." : "";
  if (run.digest === recorded) {
    return [
      element("p", { class: "same" }, `✓ Trained to the same bits as the recorded run.${where}`),
      digestLine("SHA-256 of the parameters, here and recorded", run.digest),
    ];
  }
  if (JSON.stringify(run.study.models[model]) !== JSON.stringify(study.models[model])) {
    return [
      element("p", {}, `Trained by other settings: no recorded run has these.${where}`),
      digestLine("SHA-256 of the parameters", run.digest),
    ];
  }
  return [
    element("p", { class: "different" }, `✗ Not the bits of the recorded run.${where}`),
    digestLine("SHA-256 of the parameters here", run.digest),
    digestLine("recorded", recorded),
  ];
}

function digestLine(what, digest) {
  return element("p", { class: "note" }, `${what}: `, element("code", {}, digest));
}
