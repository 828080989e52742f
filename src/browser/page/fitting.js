// A picture of any size made as a network's samples were made: cropped, centred, averaged to size.
// As cnn_from_scratch's inference/fitting.py.
//
// A picture is { height, width, channels }: each channel a Float64Array of its pixels in 0..1, row
// by row.

import { boxOf, cropped, grayOf, groundOf, inkOf, middleOf, thickened } from "./ink.js";

const SQUEEZED = 2; // how much more than in height ink is made smaller in width, at most

/**
 * Return { pixels, notes }: the picture as a sample of [C, H, W], and what was done to it in words.
 *
 * preparation: { ground, ink_height, ink_width, centred } as a checkpoint has them; ground null:
 * photographs, which are averaged as a whole. Throws an Error if there is no ink.
 */
export function fitPicture(picture, [, height, width], preparation) {
  const { ground, ink_height: inkHeight, ink_width: inkWidth } = preparation;
  if (ground === null || inkHeight === null || inkWidth === null) {
    const whole = { left: 0, top: 0, right: picture.width, bottom: picture.height };
    const means = (pixels) => averaged({ ...picture, pixels }, whole, height, width, 0);
    return { pixels: joined(picture.channels.map(means)), notes: [] };
  }
  const { picture: turned, notes } = withGround(picture, ground);
  const whole = inkOf(turned, ground < 0.5);
  const box = boxOf(whole);
  const ink = cropped(whole, box);
  const usual = { height: inkHeight, width: inkWidth };
  const image = { height, width };
  const mass = preparation.centred === "mass";
  if (turned.channels.length > 1) {
    const around = boxAround(ink, middleOf(ink, mass), usual, image, box);
    const means = turned.channels.map((pixels) =>
      averaged({ ...turned, pixels }, around, height, width, groundOf(pixels, turned)),
    );
    return { pixels: joined(means), notes };
  }
  const thick = thickened(ink, scalesOf(ink, usual, image).byHeight);
  const around = boxAround(thick, middleOf(thick, mass), usual, image, { top: 0, left: 0 });
  const amount = averaged({ ...thick, pixels: thick.amounts }, around, height, width, 0);
  const most = amount.reduce((a, b) => Math.max(a, b));
  const full = ground < 0.5 ? 1 : 0;
  return { pixels: amount.map((a) => ground + (a / most) * (full - ground)), notes };
}

/** Return the picture, inverted if its ground is dark and the samples' light, or the reverse. */
function withGround(picture, ground) {
  const own = groundOf(grayOf(picture), picture);
  if (Math.abs(own - ground) <= Math.abs(1 - own - ground)) return { picture, notes: [] };
  const channels = picture.channels.map((channel) => channel.map((value) => 1 - value));
  const [was, now] = ground < 0.5 ? ["light", "dark"] : ["dark", "light"];
  const notes = [`inverted: its ground is ${was}, that of the samples ${now}`];
  return { picture: { ...picture, channels }, notes };
}

/**
 * Return { byHeight, byWidth }: the size, in pixels of the picture, of what becomes a new pixel.
 *
 * Both are the same, but where samples reach from the top to the bottom of the image: ink that is
 * wider than theirs is squeezed there.
 */
function scalesOf({ height, width }, usual, image) {
  const [byHeight, byWidth] = [height / usual.height, width / usual.width];
  const largest = Math.max(byHeight, byWidth);
  const squeezed = Math.max(byHeight, byWidth / SQUEEZED);
  return { byHeight: usual.height === image.height ? squeezed : largest, byWidth: largest };
}

/** Return the box that becomes the image; the ink's top left stands at `corner`. */
function boxAround(ink, middle, usual, image, corner) {
  const { byHeight, byWidth } = scalesOf(ink, usual, image);
  const [halfY, halfX] = [(byHeight * image.height) / 2, (byWidth * image.width) / 2];
  const [middleY, middleX] = [corner.top + middle.y, corner.left + middle.x];
  return {
    left: middleX - halfX,
    top: middleY - halfY,
    right: middleX + halfX,
    bottom: middleY + halfY,
  };
}

function joined(channels) {
  return Float64Array.from(channels.flatMap((channel) => [...channel]));
}

/** Return the means over equal areas of a box; beyond the picture is the value `outside`. */
function averaged(picture, { left, top, right, bottom }, height, width, outside) {
  const rows = sharesOf(top, bottom, height, picture.height);
  const columns = sharesOf(left, right, width, picture.width);
  const means = new Float64Array(height * width);
  rows.forEach((down, i) => {
    columns.forEach((across, j) => {
      let mean = outside;
      for (const [row, share] of down) {
        for (const [column, part] of across) {
          mean += share * part * (picture.pixels[row * picture.width + column] - outside);
        }
      }
      means[i * width + j] = Math.min(Math.max(mean, 0), 1);
    });
  });
  return means;
}

/** Return, for each of equal parts of start..stop, the pixels in it and their shares of it. */
function sharesOf(start, stop, parts, size) {
  const side = (stop - start) / parts;
  return Array.from({ length: parts }, (_, part) => {
    const [from, to] = [start + part * side, start + (part + 1) * side];
    const shares = [];
    for (let pixel = Math.max(Math.floor(from), 0); pixel < Math.min(to, size); pixel++) {
      const shared = Math.min(to, pixel + 1) - Math.max(from, pixel);
      if (shared > 0) shares.push([pixel, shared / side]);
    }
    return shares;
  });
}
