/** Resource quantities as they stand in manifests: `100m`, `1.5Gi`, `2e3`. The text is the value of record; these
 *  functions only read it. Grammar: Kubernetes' resource.Quantity. */

const pattern = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?\d{1,3}|)$/;

/** Said of what does not parse, as Kubernetes says it. */
export const quantityRule =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/** Powers of ten in thousands, or of two. */
const decimalExponents: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  "": 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const binaryExponents: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };

/** 10^9 units to one: the finest quantity is a nano. Finer fractions are rounded up (away from zero). */
const nanoDigits = 9;
/** Beyond this a number is not a size of anything and would only cost memory. */
const exponentMax = 60;

export function isQuantity(text: string): boolean {
  const match = pattern.exec(text);
  return match !== null && exponentOf(match[3] ?? "") !== undefined;
}

/** The quantity in base units (cores, bytes, pieces). Throws RangeError if `text` is none.
 *  Exact while the value is below 2^53 and has no fraction; otherwise the nearest double. */
export function parseQuantity(text: string): number {
  return Number(parseNanos(text)) / 1e9;
}

/** The quantity in thousandths, rounded up as Kubernetes does: cores as millicores. Throws RangeError. */
export function parseMilliQuantity(text: string): number {
  const nanos = parseNanos(text);
  const down = nanos / 1_000_000n;
  return Number(nanos % 1_000_000n > 0n ? down + 1n : down);
}

/** Below zero if `left` is less than `right`; exact for all quantities. Throws RangeError. */
export function compareQuantities(left: string, right: string): number {
  const difference = parseNanos(left) - parseNanos(right);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** The quantity in billionths of the base unit, exactly. Throws RangeError. */
export function parseNanos(text: string): bigint {
  const known = recent.get(text);
  if (known !== undefined) return known;
  const nanos = nanosOf(text);
  if (nanos === undefined) throw new RangeError(quantityRule);
  if (recent.size >= recentMax) recent.clear();
  if (text.length <= recentCharactersMax) recent.set(text, nanos);
  return nanos;
}

/** What was read lately: the same few quantities stand in all of a cluster's pods. */
const recent = new Map<string, bigint>();
const recentMax = 1024;
const recentCharactersMax = 32;

function nanosOf(text: string): bigint | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [, sign, digits = "", suffix = ""] = match;
  const [whole = "", fraction = ""] = digits.split(".");
  let mantissa = BigInt(whole + fraction);
  const binary = binaryExponents[suffix];
  const exponent = exponentOf(suffix);
  if (exponent === undefined) return undefined;
  if (binary !== undefined) mantissa <<= BigInt(binary);
  const shift = nanoDigits + exponent - fraction.length;
  const nanos = shift >= 0 ? mantissa * 10n ** BigInt(shift) : divideUp(mantissa, 10n ** BigInt(-shift));
  return sign === "-" ? -nanos : nanos;
}

/** Of ten, beside what a binary suffix says; undefined where it is too much. */
function exponentOf(suffix: string): number | undefined {
  const exponent = suffix in binaryExponents ? 0 : (decimalExponents[suffix] ?? Number(suffix.slice(1)));
  return Math.abs(exponent) > exponentMax ? undefined : exponent;
}

function divideUp(value: bigint, by: bigint): bigint {
  return (value + by - 1n) / by;
}
