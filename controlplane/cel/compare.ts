import {
  CelList,
  CelMap,
  Duration,
  noSuchOverload,
  Opaque,
  Optional,
  Timestamp,
  TypeValue,
  Uint,
  type Value,
} from "./values.ts";

/** Equality and order of values, as cel-go has them: numbers compare across their types. Pure. */

/** @param step Counts the work. */
export function equal(a: Value, b: Value, step: (steps: number) => void): boolean {
  const one = numeric(a);
  const other = numeric(b);
  if (one !== undefined && other !== undefined) return rank(one, other) === 0;
  if (a === null || b === null || typeof a !== "object" || typeof b !== "object") return a === b;
  if (a instanceof Uint8Array && b instanceof Uint8Array) {
    step(Math.ceil(a.length / 10));
    return Buffer.compare(a, b) === 0;
  }
  if (a instanceof CelList && b instanceof CelList) return equalLists(a, b, step);
  if (a instanceof CelMap && b instanceof CelMap) return equalMaps(a, b, step);
  const times = timesOf(a, b);
  if (times !== undefined) return times[0] === times[1];
  if (a instanceof TypeValue && b instanceof TypeValue) return a.name === b.name;
  if (a instanceof Optional && b instanceof Optional) {
    if (a.value === undefined || b.value === undefined) return a.value === b.value;
    return equal(a.value, b.value, step);
  }
  return a instanceof Opaque && b instanceof Opaque && a.type === b.type && a.same(b);
}

function equalLists(a: CelList, b: CelList, step: (steps: number) => void): boolean {
  step(1);
  if (a.items.length !== b.items.length) return false;
  if (a.keys === undefined) return a.items.every((item, index) => equal(item, b.items[index] ?? null, step));
  const { keys } = a;
  // Sets and maps by keys are equal in any order.
  const own = new Map(a.items.map((item) => [itemKey(item, keys, step), item]));
  return b.items.every((item) => {
    const found = own.get(itemKey(item, keys, step));
    return found !== undefined && equal(found, item, step);
  });
}

/** What tells an item of a set, or of a map by keys, from the others. */
export function itemKey(item: Value, keys: readonly string[], step: (steps: number) => void): string {
  if (keys.length === 0 || !(item instanceof CelMap)) return plainText(item, step);
  return keys.map((key) => plainText(item.get(key) ?? null, step)).join("\u0000");
}

function plainText(value: Value, step: (steps: number) => void): string {
  step(1);
  if (value instanceof CelList) return `[${value.items.map((one) => plainText(one, step)).join(",")}]`;
  if (value instanceof CelMap) {
    const names = value
      .keys()
      .map((key) => `${plainText(key, step)}:${plainText(value.get(key) ?? null, step)}`);
    return `{${names.sort().join(",")}}`;
  }
  if (value instanceof Uint) return `n${value.value}`;
  if (value instanceof Duration) return `D${value.nanoseconds}`;
  if (value instanceof Timestamp) return `T${value.nanoseconds}`;
  if (value instanceof Uint8Array) return `B${Buffer.from(value).toString("hex")}`;
  if (typeof value === "string") return JSON.stringify(value);
  return typeof value === "bigint" ? `n${value}` : String(value);
}

function equalMaps(a: CelMap, b: CelMap, step: (steps: number) => void): boolean {
  step(1);
  if (a.size !== b.size) return false;
  return a.keys().every((key) => {
    const other = b.get(key);
    return other !== undefined && equal(a.get(key) ?? null, other, step);
  });
}

function numeric(value: Value): bigint | number | undefined {
  if (typeof value === "bigint" || typeof value === "number") return value;
  return value instanceof Uint ? value.value : undefined;
}

/** What two durations, or two moments, are compared by. */
function timesOf(a: Value, b: Value): readonly [bigint, bigint] | undefined {
  const areTimes =
    (a instanceof Duration && b instanceof Duration) || (a instanceof Timestamp && b instanceof Timestamp);
  return areTimes ? [a.nanoseconds, b.nanoseconds] : undefined;
}

/** Below 0: `a` is less. NaN: neither. */
export function order(a: Value, b: Value): number {
  const one = numeric(a);
  const other = numeric(b);
  if (one !== undefined && other !== undefined) return rank(one, other);
  if (typeof a === "string" && typeof b === "string") return orderTexts(a, b);
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b);
  const times = timesOf(a, b);
  if (times !== undefined) return rank(...times);
  throw noSuchOverload();
}

function rank(a: bigint | number, b: bigint | number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  return Number.isNaN(Number(a)) || Number.isNaN(Number(b)) ? Number.NaN : 0;
}

/** By code points, as Go does by bytes. */
function orderTexts(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}
