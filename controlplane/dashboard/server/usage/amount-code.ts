/** Amounts in two bytes. What is drawn needs no more than three digits, but spans a thousandth of a core to petabytes: so what is
 *  kept is the logarithm. 0 is "not measured", 1 is zero. */

const smallest = 1e-6;
const largest = 2 ** 53;
const steps = 0xffff - 2;
const perStep = Math.log2(largest / smallest) / steps;

export const notMeasured = 0;

/** Of a number of cores or bytes; what is none was not measured. Pure. */
export function amountCode(amount: number): number {
  if (!(amount >= 0)) return notMeasured;
  if (amount < smallest) return 1;
  return 2 + Math.min(steps, Math.round(Math.log2(amount / smallest) / perStep));
}

/** The amount again, within four hundredths of a percent; undefined for what was not measured. */
export function amountOf(code: number): number | undefined {
  if (code === notMeasured) return undefined;
  return code === 1 ? 0 : smallest * 2 ** ((code - 2) * perStep);
}

let table: Float32Array | undefined;

/** The amounts of all codes, for who reads many; "not measured" is 0. Made when it is first asked for. */
export function amountTable(): Float32Array {
  table ??= Float32Array.from({ length: 0x10000 }, (_, code) => amountOf(code) ?? 0);
  return table;
}
