// Random numbers: those of NumPy's RandomState(MT19937(SeedSequence(seed, spawn_key=...))), and
// normal numbers as arithmetic/random.py draws them.
//
// Sources: Matsumoto and Nishimura 1998, "Mersenne Twister"; O'Neill 2015, "Developing a seed_seq
// alternative" (the hashing of seeds).

import { log } from "./elementary.js";

const STATE = 624; // 32-bit words of the generator
const MIDDLE = 397;

/** A generator's words from a seed and a purpose, as NumPy's SeedSequence makes them. */
class SeedSequence {
  /** seed: a whole number from 0 to 2^53 - 1; spawnKey: whole numbers below 2^32. */
  constructor(seed, spawnKey) {
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw new Error(`seed: expected a whole number from 0 to 2^53 - 1, got ${seed}`);
    }
    const entropy = [seed >>> 0, Math.floor(seed / 2 ** 32), 0, 0, ...spawnKey];
    this.pool = mixedPool(entropy);
  }

  /** Return so many 32-bit words. */
  words(count) {
    const hash = hasher(0x8b51f9dd, 0x58f38ded);
    return Uint32Array.from({ length: count }, (_, i) => hash(this.pool[i % this.pool.length]));
  }
}

function mixedPool(entropy) {
  const hash = hasher(0x43b0d7e5, 0x931e8875);
  const pool = entropy.slice(0, 4).map(hash);
  for (let from = 0; from < 4; from++) {
    for (let to = 0; to < 4; to++) {
      if (from !== to) pool[to] = mixed(pool[to], hash(pool[from]));
    }
  }
  for (const word of entropy.slice(4)) {
    for (let to = 0; to < 4; to++) pool[to] = mixed(pool[to], hash(word));
  }
  return pool;
}

/** Return a function that hashes a word, each time with another constant. */
function hasher(constant, multiplier) {
  return (word) => {
    const before = constant;
    constant = Math.imul(constant, multiplier);
    const product = Math.imul(word ^ before, constant);
    return (product ^ (product >>> 16)) >>> 0;
  };
}

function mixed(x, y) {
  const word = (Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y)) >>> 0;
  return (word ^ (word >>> 16)) >>> 0;
}

/** The Mersenne Twister with NumPy's legacy draws. */
export class RandomState {
  constructor(seed, spawnKey) {
    this.key = new SeedSequence(seed, spawnKey).words(STATE);
    this.key[0] = 0x80000000;
    this.position = STATE - 1;
  }

  /** Return the next 32 random bits. */
  uint32() {
    if (this.position === STATE) this.twist();
    let word = this.key[this.position++];
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    return (word ^ (word >>> 18)) >>> 0;
  }

  twist() {
    const { key } = this;
    for (let i = 0; i < STATE; i++) {
      const bits = (key[i] & 0x80000000) | (key[(i + 1) % STATE] & 0x7fffffff);
      key[i] = key[(i + MIDDLE) % STATE] ^ (bits >>> 1) ^ (bits & 1 ? 0x9908b0df : 0);
    }
    this.position = 0;
  }

  /** Return a number from [0, 1), of 53 random bits. */
  random() {
    const high = this.uint32() >>> 5;
    const low = this.uint32() >>> 6;
    return (high * 67108864 + low) / 9007199254740992;
  }

  /** Return so many numbers from [0, 1): NumPy's random_sample. */
  randomSample(count) {
    const drawn = new Float64Array(count);
    for (let i = 0; i < count; i++) drawn[i] = this.random();
    return drawn;
  }

  /** Return a whole number from 0 to `most`, most < 2^32 - 1: draw until one is small enough. */
  upTo(most) {
    if (most === 0) return 0;
    const mask = 0xffffffff >>> Math.clz32(most);
    let drawn = most + 1;
    while (drawn > most) drawn = (this.uint32() & mask) >>> 0;
    return drawn;
  }

  /** Return so many whole numbers from low to high - 1: NumPy's randint. */
  randint(low, high, count) {
    return Array.from({ length: count }, () => low + this.upTo(high - 1 - low));
  }

  /** Return the items in random order (Fisher and Yates): NumPy's permutation. */
  permutation(items) {
    const shuffled = [...items];
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = this.upTo(i);
      [shuffled[i], shuffled[j]] = [shuffled[j], shuffled[i]];
    }
    return shuffled;
  }
}

/** Draw so many numbers from N(0, 1), by the polar method (Marsaglia and Bray 1964). */
export function standardNormal(rng, count) {
  const drawn = [];
  while (drawn.length < count) {
    // As many pairs as numbers are missing, though half would do: the Python code draws so many.
    const missing = count - drawn.length;
    const uniform = rng.randomSample(2 * missing);
    for (let i = 0; i < uniform.length; i += 2) {
      const u = 2 * uniform[i] - 1;
      const v = 2 * uniform[i + 1] - 1;
      const s = u * u + v * v;
      if (!(s > 0 && s < 1)) continue;
      const scale = Math.sqrt((-2 * log(s)) / s);
      drawn.push(u * scale, v * scale);
    }
  }
  return Float64Array.from(drawn.slice(0, count));
}
