// Exercises: a question each, what to do on the page, and a check against the study's own data.

import { button, element } from "./elements.js";
import { backward } from "./exercises/backward.js";
import { counting } from "./exercises/counting.js";
import { deadLogit } from "./exercises/dead_logit.js";
import { exerciseForm } from "./exercises/form.js";
import { failingRate } from "./exercises/failing_rate.js";
import { hardest } from "./exercises/hardest.js";
import { lossFloor } from "./exercises/loss_floor.js";
import { answersOf } from "./exercises/sandbox.js";
import { resting } from "./exercises/training.js";

/**
 * The exercises, in their order, each of
 *
 * title; facts(context): what it takes of the study, null where it does not apply; question(facts):
 * lines; fields(facts): { name, label, type or options };
 * check(answer, facts, tools) -> { right, text }, answer: the fields' texts by name;
 * solve(facts, tools) -> lines. tools: { rest, answersOf, seed, answer }.
 */
export const EXERCISES = [counting, lossFloor, failingRate, deadLogit, hardest, backward];

/** Show the part in an element; context: { study, library }. */
export async function mount(root, context) {
  root.replaceChildren();
  const rest = resting();
  for (const exercise of EXERCISES) {
    const facts = exercise.facts(context);
    if (facts !== null) root.append(card(exercise, facts, root.children.length + 1));
    await rest();
  }
}

function card(exercise, facts, number) {
  const form = exerciseForm(exercise.fields(facts));
  const verdict = element("p", { class: "exercise-verdict", role: "status" });
  const solution = element("div", { class: "exercise-solution", "aria-live": "polite" });
  const check = async () => {
    const found = await exercise.check(form.answer(), facts, tools(form));
    verdict.className = `exercise-verdict ${found.right ? "exercise-right" : "exercise-wrong"}`;
    verdict.textContent = `${found.right ? "✓ Right." : "✗ Not yet."} ${found.text}`;
  };
  const solve = async () => {
    const lines = await exercise.solve(facts, tools(form));
    solution.replaceChildren(...lines.map((line) => element("pre", {}, line)));
  };
  const working = (action) => async () => {
    verdict.className = "exercise-verdict";
    verdict.textContent = "Working …";
    await action();
    if (verdict.textContent === "Working …") verdict.textContent = "";
  };
  const submit = working(check);
  const onsubmit = (event) => {
    event.preventDefault();
    submit();
  };
  return element(
    "section",
    { class: "exercise" },
    element("h3", {}, `${number}. ${exercise.title}`),
    ...exercise.question(facts).map((line) => element("p", {}, line)),
    element(
      "form",
      { onsubmit },
      form.root,
      element(
        "p",
        {},
        element("button", { type: "submit" }, "Check"),
        " ",
        button("Show the solution", working(solve)),
      ),
    ),
    verdict,
    solution,
  );
}

function tools(form) {
  const seed = Math.floor(Math.random() * 2 ** 32);
  return { rest: resting(), answersOf, seed, answer: form.answer() };
}
