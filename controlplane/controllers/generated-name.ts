import { below, type Random } from "../../base/os/random.ts";

const alphabet = "bcdfghjklmnpqrstvwxz2456789";
const suffixLength = 5;
const baseLengthMost = 63 - suffixLength;

/** A name as the server makes it from generateName. Made here, so that the caller knows before the request what it is
 *  waiting for, and a repeated request makes nothing twice. */
export function generatedName(base: string, random: Random): string {
  let name = base.slice(0, baseLengthMost);
  for (let i = 0; i < suffixLength; i++) name += alphabet.charAt(below(random, alphabet.length));
  return name;
}
