import { parseNanos } from "./quantity.ts";

/** Quantities that are computed with, and the one form in which Kubernetes writes them: `1024Ki` is `1Mi`, `0.1` is
 *  `100m`. */
export interface Quantity {
  /** Billionths of the base unit. */
  readonly nanos: bigint;
  /** By which suffixes it is written. */
  readonly format: "binary" | "decimal" | "exponent";
}

export const zeroQuantity: Quantity = { nanos: 0n, format: "decimal" };

/** Throws RangeError if `text` is none. */
export function readQuantity(text: string): Quantity {
  const format = text.endsWith("i") ? "binary" : /[eE][+-]?\d+$/.test(text) ? "exponent" : "decimal";
  return { nanos: parseNanos(text), format };
}

/** A number of pieces. */
export const wholeQuantity = (count: number): Quantity => ({
  nanos: BigInt(count) * nanosPerUnit,
  format: "decimal",
});

/** Written as `left` is, unless that is nothing. */
export function addQuantities(left: Quantity, right: Quantity): Quantity {
  return { nanos: left.nanos + right.nanos, format: left.nanos === 0n ? right.format : left.format };
}

export function subtractQuantities(left: Quantity, right: Quantity): Quantity {
  return { nanos: left.nanos - right.nanos, format: left.nanos === 0n ? right.format : left.format };
}

const nanosPerUnit = 1_000_000_000n;
const decimalSuffixes = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
const binarySuffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const nanoDigits = 9;

/** The one text for a quantity. */
export function quantityText({ nanos, format }: Quantity): string {
  if (nanos === 0n) return "0";
  const isWhole = nanos % nanosPerUnit === 0n;
  const small = nanos > -1024n * nanosPerUnit && nanos < 1024n * nanosPerUnit;
  if (format === "binary" && isWhole && !small) return scaled(nanos / nanosPerUnit, 1024n, binarySuffixes);
  if (format === "exponent") {
    const { number, steps } = shortened(nanos, 1000n, Number.POSITIVE_INFINITY);
    const exponent = steps * 3 - nanoDigits;
    return exponent === 0 ? String(number) : `${number}e${exponent}`;
  }
  return scaled(nanos, 1000n, decimalSuffixes);
}

export function canonicalQuantity(text: string): string {
  return quantityText(readQuantity(text));
}

function scaled(value: bigint, base: bigint, suffixes: readonly string[]): string {
  const { number, steps } = shortened(value, base, suffixes.length - 1);
  return `${number}${suffixes[steps] ?? ""}`;
}

/** Divides by the base as often as nothing is lost. */
function shortened(
  value: bigint,
  base: bigint,
  stepsMax: number,
): { readonly number: bigint; readonly steps: number } {
  let [number, steps] = [value, 0];
  while (steps < stepsMax && number % base === 0n) {
    number /= base;
    steps++;
  }
  return { number, steps };
}
