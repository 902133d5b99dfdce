import { equal, itemKey, order } from "../compare.ts";
import { fn, type Meter, method, type Overload } from "../environment.ts";
import { type CelType, listOf, mapOf, param, types } from "../types.ts";
import {
  CelError,
  CelList,
  type CelMap,
  Duration,
  noSuchOverload,
  Timestamp,
  Uint,
  type Value,
} from "../values.ts";

/** Operators, `in` and `size`. */

const { bool, int, uint, double, string, bytes, duration, timestamp } = types;
const a = param("A");
const b = param("B");

export const asInt = (value: bigint): bigint => {
  if (BigInt.asIntN(64, value) !== value) throw new CelError("integer overflow");
  return value;
};
export const asUint = (value: bigint): Uint => {
  if (value < 0n || BigInt.asUintN(64, value) !== value) throw new CelError("unsigned integer overflow");
  return new Uint(value);
};
const asDuration = (nanoseconds: bigint): Duration => {
  if (BigInt.asIntN(64, nanoseconds) !== nanoseconds) throw new CelError("integer overflow");
  return new Duration(nanoseconds);
};
const year1 = -62_135_596_800_000_000_000n;
const year10000 = 253_402_300_800_000_000_000n;
export const asTimestamp = (nanoseconds: bigint): Timestamp => {
  if (nanoseconds < year1 || nanoseconds >= year10000) throw new CelError("timestamp overflow");
  return new Timestamp(nanoseconds);
};

const whole = (value: Value | undefined): bigint => {
  if (typeof value === "bigint") return value;
  if (value instanceof Uint) return value.value;
  throw noSuchOverload();
};
const number = (value: Value | undefined) => value as number;
const nanos = (value: Value | undefined) => (value as Duration | Timestamp).nanoseconds;

function divide(x: bigint, y: bigint): bigint {
  if (y === 0n) throw new CelError("division by zero");
  return x / y;
}
function remainder(x: bigint, y: bigint): bigint {
  if (y === 0n) throw new CelError("modulus by zero");
  return x % y;
}

type Op = (x: bigint, y: bigint) => bigint;
const arithmetic = (name: string, op: Op, real?: (x: number, y: number) => number): readonly Overload[] => [
  fn(name, [int, int], int, ([x, y]) => asInt(op(whole(x), whole(y)))),
  fn(name, [uint, uint], uint, ([x, y]) => asUint(op(whole(x), whole(y)))),
  ...(real === undefined ? [] : [fn(name, [double, double], double, ([x, y]) => real(number(x), number(y)))]),
];

const stepper = (meter: Meter) => (steps: number) => meter.spend(steps);

const ordered: readonly CelType[] = [bool, int, uint, double, string, bytes, duration, timestamp];
const numbers: readonly CelType[] = [int, uint, double];
const comparison = (name: string, holds: (order: number) => boolean): readonly Overload[] => {
  const run = ([x = null, y = null]: readonly Value[], meter: Meter) => {
    if (typeof x === "string" && typeof y === "string") meter.spendText(Math.min(x.length, y.length));
    return holds(order(x, y));
  };
  const mixed = numbers.flatMap((one) =>
    numbers.filter((other) => other !== one).map((other) => [one, other]),
  );
  return [...ordered.map((one) => [one, one]), ...mixed].map((args) => fn(name, args, bool, run));
};

function concatenated(x: CelList, y: CelList, meter: Meter): CelList {
  meter.spend(x.items.length + y.items.length);
  const { keys } = x;
  if (keys === undefined) return new CelList([...x.items, ...y.items]);
  // Sets and maps by keys: what is there already keeps its place.
  const step = stepper(meter);
  const items = [...x.items];
  const places = new Map(items.map((item, index) => [itemKey(item, keys, step), index]));
  for (const item of y.items) {
    const at = places.get(itemKey(item, keys, step));
    if (at === undefined) items.push(item);
    else items[at] = item;
  }
  return new CelList(items, keys);
}

const codePoints = (text: string) => [...text].length;
const sizes: readonly [CelType, (value: Value) => number][] = [
  [string, (value) => codePoints(value as string)],
  [bytes, (value) => (value as Uint8Array).length],
  [listOf(a), (value) => (value as CelList).items.length],
  [mapOf(a, b), (value) => (value as CelMap).size],
];

export const operators: readonly Overload[] = [
  fn("_==_", [a, a], bool, ([x = null, y = null], meter) => {
    if (typeof x === "string") meter.spendText(x.length);
    return equal(x, y, stepper(meter));
  }),
  fn("_!=_", [a, a], bool, ([x = null, y = null], meter) => {
    if (typeof x === "string") meter.spendText(x.length);
    return !equal(x, y, stepper(meter));
  }),
  ...comparison("_<_", (sign) => sign < 0),
  ...comparison("_<=_", (sign) => sign <= 0),
  ...comparison("_>_", (sign) => sign > 0),
  ...comparison("_>=_", (sign) => sign >= 0),
  ...arithmetic(
    "_+_",
    (x, y) => x + y,
    (x, y) => x + y,
  ),
  ...arithmetic(
    "_-_",
    (x, y) => x - y,
    (x, y) => x - y,
  ),
  ...arithmetic(
    "_*_",
    (x, y) => x * y,
    (x, y) => x * y,
  ),
  ...arithmetic("_/_", divide, (x, y) => x / y),
  ...arithmetic("_%_", remainder),
  fn("_+_", [string, string], string, ([x, y], meter) => {
    const text = `${x as string}${y as string}`;
    meter.spendText(text.length);
    return text;
  }),
  fn("_+_", [bytes, bytes], bytes, ([x, y], meter) => {
    const joined = Buffer.concat([x as Uint8Array, y as Uint8Array]);
    meter.spendText(joined.length);
    return new Uint8Array(joined);
  }),
  fn("_+_", [listOf(a), listOf(a)], listOf(a), ([x, y], meter) =>
    concatenated(x as CelList, y as CelList, meter),
  ),
  fn("_+_", [duration, duration], duration, ([x, y]) => asDuration(nanos(x) + nanos(y))),
  fn("_+_", [timestamp, duration], timestamp, ([x, y]) => asTimestamp(nanos(x) + nanos(y))),
  fn("_+_", [duration, timestamp], timestamp, ([x, y]) => asTimestamp(nanos(x) + nanos(y))),
  fn("_-_", [duration, duration], duration, ([x, y]) => asDuration(nanos(x) - nanos(y))),
  fn("_-_", [timestamp, duration], timestamp, ([x, y]) => asTimestamp(nanos(x) - nanos(y))),
  fn("_-_", [timestamp, timestamp], duration, ([x, y]) => asDuration(nanos(x) - nanos(y))),
  fn("!_", [bool], bool, ([x]) => !(x as boolean)),
  fn("-_", [int], int, ([x]) => asInt(-whole(x))),
  fn("-_", [double], double, ([x]) => -number(x)),
  fn("@in", [a, listOf(a)], bool, ([x = null, list], meter) =>
    (list as CelList).items.some((item) => {
      meter.spend(1);
      return equal(x, item, stepper(meter));
    }),
  ),
  fn("@in", [a, mapOf(a, b)], bool, ([x = null, map]) => (map as CelMap).has(x)),
  ...sizes.flatMap(([type, size]) => [
    fn("size", [type], int, ([x = null], meter) => {
      if (typeof x === "string") meter.spendText(x.length);
      return BigInt(size(x));
    }),
    method("size", [type], int, ([x = null], meter) => {
      if (typeof x === "string") meter.spendText(x.length);
      return BigInt(size(x));
    }),
  ]),
];
