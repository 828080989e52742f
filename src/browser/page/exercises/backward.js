// Exercise: write a backward pass, which is checked by finite differences.

import { BACKWARD_TASKS, casesOf } from "./backward_tasks.js";
import { gradientProblem } from "./gradient_check.js";

export const backward = {
  title: "Write a backward pass",

  facts: () => ({}),

  question: () => [
    "Write the body of a function in JavaScript. It is called with random numbers, and what it" +
      " returns is compared with finite differences of the forward pass.",
  ],

  fields: () => [
    {
      name: "task",
      label: "Which",
      options: Object.entries(BACKWARD_TASKS).map(([key, { title }]) => [key, title]),
    },
    {
      name: "code",
      label: "Its body",
      type: "code",
      of: (task) => ({
        head: `function backward(${BACKWARD_TASKS[task].names.join(", ")})`,
        help: BACKWARD_TASKS[task].takes,
        start: BACKWARD_TASKS[task].start,
      }),
    },
  ],

  async check({ task, code }, facts, { answersOf, seed }) {
    const { names } = BACKWARD_TASKS[task];
    const cases = casesOf(BACKWARD_TASKS[task], seed);
    let answers;
    try {
      answers = await answersOf(code, names, cases.map((each) => each.arguments));
    } catch (error) {
      return { right: false, text: `It does not run: ${error.message}.` };
    }
    for (const [i, { forward, x, dy, shape, gradient }] of cases.entries()) {
      const problem = gradientProblem(forward, x, dy, answers[i], shape, gradient);
      if (problem) return { right: false, text: `${problem}.` };
    }
    return { right: true, text: `It is the gradient, at ${cases.length} random points.` };
  },

  async solve(facts, { answer }) {
    return [BACKWARD_TASKS[answer.task].solution];
  },
};
