import { parseExactJson } from "../../../base/exact-json.ts";
/** The order in which Kubernetes writes the elements of paths (`f:name`, `k:{"name":"web"}`, `v:"x"`, `i:0`): by what
 *  they are, then by what they say, numbers as numbers. Pure. */
export function compareElements(a: string, b: string): number {
  if (a === b) return 0;
  // Most are fields, and the texts of two fields differ where their names do.
  if (a.startsWith("f:") && b.startsWith("f:")) return compareText(a, b);
  const [kind, other] = [a.slice(0, 2), b.slice(0, 2)];
  if (kind !== other) return order.indexOf(kind) - order.indexOf(other);
  return compareValues(parsed(a.slice(2)), parsed(b.slice(2)));
}

const order = ["f:", "k:", "v:", "i:"];

function parsed(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch {
    return text;
  }
}

function compareValues(a: unknown, b: unknown): number {
  if (isNumber(a) && isNumber(b)) return a < b ? -1 : a > b ? 1 : 0;
  if (isObject(a) && isObject(b)) return compareKeys(Object.entries(a), Object.entries(b));
  return compareText(String(a), String(b));
}

type Entries = readonly (readonly [string, unknown])[];

function compareKeys(a: Entries, b: Entries): number {
  for (const [at, [name, value]] of a.entries()) {
    const [otherName, otherValue] = b[at] ?? [];
    if (otherName === undefined) return 1;
    const found = compareText(name, otherName) || compareValues(value, otherValue);
    if (found !== 0) return found;
  }
  return a.length - b.length;
}

const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
const isNumber = (value: unknown) => typeof value === "number" || typeof value === "bigint";
const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;
