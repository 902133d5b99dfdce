import { parseNanos } from "./quantity.ts";

/** How a quantity is written: by powers of 1024 (`Mi`), of 1000 (`M`), or of ten (`e6`). */
export type QuantityNotation = "binary" | "decimal" | "exponent";

/** A quantity that can be added to others and written down again. */
export interface Amount {
  /** In billionths of the base unit. */
  readonly nanos: bigint;
  readonly notation: QuantityNotation;
}

const binarySuffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const decimalSuffixes = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
const nano = 1_000_000_000n;

/** Throws RangeError if `text` is no quantity. */
export function readAmount(text: string): Amount {
  const notation = text.endsWith("i") ? "binary" : /[eE][+-]?\d+$/.test(text) ? "exponent" : "decimal";
  return { nanos: parseNanos(text), notation };
}

/** The sum, written as `left` is, or as `right` where `left` is nothing. */
export function addAmounts(left: Amount, right: Amount): Amount {
  return {
    nanos: left.nanos + right.nanos,
    notation: left.nanos === 0n ? right.notation : left.notation,
  };
}

export function subtractAmounts(left: Amount, right: Amount): Amount {
  return addAmounts(left, { nanos: -right.nanos, notation: right.notation });
}

/** A number of pieces. */
export const wholeAmount = (count: number): Amount => ({
  nanos: BigInt(count) * nano,
  notation: "decimal",
});

/** The one text for a quantity. Throws RangeError if `text` is none. */
export const canonicalQuantity = (text: string): string => amountText(readAmount(text));

/** The one way in which Kubernetes writes an amount: no fraction, the largest suffix (`0.5Gi` is `512Mi`). */
export function amountText({ nanos, notation }: Amount): string {
  const whole = nanos / nano;
  // Small ones are never written by powers of 1024, and neither are fractions.
  const small = whole > -1024n && whole < 1024n;
  if (notation === "binary" && !small && nanos % nano === 0n) {
    const [mantissa, power] = shortened(whole, 1024n, binarySuffixes.length - 1);
    return `${mantissa}${binarySuffixes[power]}`;
  }
  const [mantissa, power] = shortened(nanos, 1000n, decimalSuffixes.length - 1);
  if (nanos === 0n) return "0";
  const exponent = power * 3 - 9;
  if (notation === "exponent") return exponent === 0 ? String(mantissa) : `${mantissa}e${exponent}`;
  return `${mantissa}${decimalSuffixes[power]}`;
}

/** `value` without its factors of `base`, at most so many, and how many these were. */
function shortened(value: bigint, base: bigint, most: number): readonly [bigint, number] {
  let rest = value;
  let power = 0;
  while (rest !== 0n && power < most && rest % base === 0n) {
    rest /= base;
    power++;
  }
  return [rest, power];
}
