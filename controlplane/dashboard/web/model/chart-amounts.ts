/** Amounts as people read them. Pure. */

export type Measure = "cpu" | "memory";

const binary = ["", "Ki", "Mi", "Gi", "Ti", "Pi"] as const;

/** `250m`, `1.5` cores; `128Mi`. */
export function amountText(measure: Measure, amount: number): string {
  return measure === "cpu" ? coresText(amount) : bytesText(amount);
}

function coresText(cores: number): string {
  if (Number(cores.toPrecision(3)) >= 1) return digits(cores);
  const millis = Number((cores * 1000).toPrecision(3));
  return millis === 0 ? "0" : millis < 0.1 ? "<0.1m" : `${digits(millis)}m`;
}

function bytesText(bytes: number): string {
  let at = 0;
  let left = bytes;
  while (left >= 1024 && at < binary.length - 1) {
    left /= 1024;
    at++;
  }
  return `${digits(left)}${binary[at]}`;
}

/** Three digits that count. */
function digits(value: number): string {
  if (value >= 100) return String(Math.round(value));
  return String(Number(value.toPrecision(3)));
}

/** Distances between an axis' lines at which its amounts are round. */
export function axisSteps(measure: Measure): number[] {
  if (measure === "memory") return Array.from({ length: 51 }, (_, power) => 2 ** power);
  return Array.from({ length: 9 }, (_, power) => [1, 2, 5].map((one) => one * 10 ** (power - 4))).flat();
}
