import { randomFillSync } from "node:crypto";

/** Chance as an argument. */
export interface Random {
  /** A uniform integer in [0, 2^32). */
  uint32(): number;
}

/** The system's chance comes in portions, for asking costs the same for one as for many. */
const portion = new Uint32Array(256);
let used = portion.length;

export const systemRandom: Random = {
  uint32: () => {
    if (used === portion.length) {
      randomFillSync(portion);
      used = 0;
    }
    return portion[used++] ?? 0;
  },
};

/** A small, fast, seedable generator (sfc32); the same seed gives the same sequence on every machine. */
export class Prng implements Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    this.#a = 0x9e3779b9 ^ seed;
    this.#b = 0x243f6a88 ^ Math.imul(seed, 0x85ebca6b);
    this.#c = 0xb7e15162 ^ Math.floor(seed / 2 ** 32);
    for (let round = 0; round < 12; round++) this.uint32();
  }

  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    this.#c |= 0;
    return sum >>> 0;
  }
}

/** A uniform integer in [0, bound). */
export function below(random: Random, bound: number): number {
  return Math.floor((random.uint32() / 2 ** 32) * bound);
}

/** So many random bytes. */
export function randomBytes(random: Random, count: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(count / 4));
  for (let at = 0; at < words.length; at++) words[at] = random.uint32();
  return new Uint8Array(words.buffer, 0, count);
}

/** True with the given probability (0 to 1). */
export function chance(random: Random, probability: number): boolean {
  return random.uint32() / 2 ** 32 < probability;
}

/** A random 64-bit id that is never 0 and, like etcd's ids, positive as a signed number. */
export function randomId(random: Random): bigint {
  const id = (BigInt(random.uint32() & 0x7fffffff) << 32n) | BigInt(random.uint32());
  return id === 0n ? 1n : id;
}
