// Drawing as numbers: marks of a pen become a picture of ink, 0 on the ground and 1 in a stroke.
//
// A mark is a stroke { points: [[x, y], ...] }, smoothed, or a cell { row, column, ink } of the
// network's grid, filled or cleared by the keyboard. Lengths are in pixels of the network.

const SIDE = 168; // of a drawing, about, in pixels of the picture

/** Return { height, width, scale, radius } of a drawing for samples [C, H, W]. */
export function paperFor([, height, width]) {
  const scale = Math.max(4, Math.round(SIDE / Math.max(height, width)));
  const radius = Math.max(0.5, height / 24); // a stroke is a pixel wide, of MNIST's digits two
  return { height: height * scale, width: width * scale, scale, radius };
}

/** Return the picture of some marks, each drawn over those before: { height, width, channels }. */
export function pictureOf(marks, paper) {
  const ink = new Float64Array(paper.height * paper.width);
  for (const mark of marks) {
    if (mark.points) drawStroke(ink, smoothed(mark.points), paper);
    else fillCell(ink, mark, paper);
  }
  return { height: paper.height, width: paper.width, channels: [ink] };
}

/** Return points of a curve: quadratic, from middle to middle, each point pulling it towards it. */
export function smoothed(points) {
  if (points.length < 3) return points;
  const middle = ([ax, ay], [bx, by]) => [(ax + bx) / 2, (ay + by) / 2];
  const curve = [points[0]];
  for (let i = 1; i < points.length - 1; i++) {
    const from = i === 1 ? points[0] : middle(points[i - 1], points[i]);
    const to = i === points.length - 2 ? points[i + 1] : middle(points[i], points[i + 1]);
    for (const t of [0.25, 0.5, 0.75, 1]) {
      curve.push([0, 1].map((d) => bezier(from[d], points[i][d], to[d], t)));
    }
  }
  return curve;
}

function bezier(from, pull, to, t) {
  return (1 - t) * (1 - t) * from + 2 * t * (1 - t) * pull + t * t * to;
}

function drawStroke(ink, points, paper) {
  const scaled = points.map((point) => point.map((length) => length * paper.scale));
  if (scaled.length === 1) drawLine(ink, scaled[0], scaled[0], paper);
  for (let i = 1; i < scaled.length; i++) drawLine(ink, scaled[i - 1], scaled[i], paper);
}

/** Draw a line with round ends; a pixel at its edge is inked in part. */
function drawLine(ink, a, b, { height, width, scale, radius }) {
  const reach = radius * scale + 1;
  const [left, top] = [0, 1].map((d) => Math.max(0, Math.floor(Math.min(a[d], b[d]) - reach)));
  const [right, bottom] = [width, height].map((most, d) =>
    Math.min(most, Math.ceil(Math.max(a[d], b[d]) + reach)),
  );
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      const away = distance([column + 0.5, row + 0.5], a, b);
      const amount = Math.min(Math.max(radius * scale + 0.5 - away, 0), 1);
      const place = row * width + column;
      ink[place] = Math.max(ink[place], amount);
    }
  }
}

/** Return how far a point is from a line between two. */
function distance([x, y], [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const squared = dx * dx + dy * dy;
  const along = squared === 0 ? 0 : ((x - ax) * dx + (y - ay) * dy) / squared;
  const t = Math.min(Math.max(along, 0), 1);
  return Math.hypot(x - ax - t * dx, y - ay - t * dy);
}

function fillCell(picture, { row, column, ink }, { width, scale }) {
  for (let i = row * scale; i < (row + 1) * scale; i++) {
    picture.fill(ink, i * width + column * scale, i * width + (column + 1) * scale);
  }
}
