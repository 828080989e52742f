// The split: which samples train, and which are held out for validation. As experiment/splits.py.

/**
 * Return { train, val }: the sorted places of the training and of the validation samples.
 *
 * y: class indices from 0 to numClasses - 1. split: { protocol, validationFraction }. Under
 * resubstitution both are all samples; under holdout they are disjoint and stratified.
 */
export function splitIndices(y, numClasses, { protocol, validationFraction }, rng) {
  const all = Array.from(y, (_, i) => i);
  if (protocol === "resubstitution") return { train: all, val: all };
  const members = Array.from({ length: numClasses }, (_, k) => all.filter((i) => y[i] === k));
  const sizes = members.map((of) => of.length);
  if (Math.min(...sizes) < 2) throw new Error("holdout needs at least 2 samples of each class");
  const counts = heldOutPerClass(sizes, validationFraction, rng);
  const heldOut = new Set(members.flatMap((of, k) => rng.permutation(of).slice(0, counts[k])));
  return { train: all.filter((i) => !heldOut.has(i)), val: all.filter((i) => heldOut.has(i)) };
}

/** Return the whole part of each class's share, and one more where the remainder is largest. */
function heldOutPerClass(sizes, fraction, rng) {
  const total = Math.floor(sizes.reduce((sum, of) => sum + of, 0) * fraction + 0.5);
  const counts = sizes.map((of) => Math.floor(of * fraction));
  const remainders = sizes.map((of, k) => of * fraction - counts[k]);
  const classes = sizes.map((_, k) => k);
  const order = rng.permutation(classes); // of classes with equal remainders
  classes.sort((a, b) => remainders[b] - remainders[a] || order[a] - order[b]);
  const missing = total - counts.reduce((sum, count) => sum + count, 0);
  for (const k of classes.slice(0, missing)) counts[k] += 1;
  return counts.map((count, k) => Math.min(Math.max(count, 1), sizes[k] - 1));
}
