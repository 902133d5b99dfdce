import { equal, order } from "../compare.ts";
import { fn, type Meter, method, type Overload } from "../environment.ts";
import { type CelType, listOf, optionalOf, param, types } from "../types.ts";
import {
  CelError,
  CelList,
  CelMap,
  Duration,
  noSuchOverload,
  Optional,
  Uint,
  type Value,
} from "../values.ts";
import { asInt, asUint } from "./operators.ts";

/** Lists: Kubernetes' own functions, cel-go's extension of version 3, and sets; and optional values. */

const { bool, int, uint, double, string, bytes, duration, timestamp } = types;
const a = param("A");
const listA = listOf(a);
const items = (value: Value | undefined) => (value as CelList).items;
const same = (meter: Meter) => (x: Value, y: Value) => equal(x, y, (steps) => meter.spend(steps));

const comparable: readonly CelType[] = [int, uint, double, bool, duration, timestamp, string, bytes];

function best(
  list: Value | undefined,
  isBetter: (sign: number) => boolean,
  name: string,
  meter: Meter,
): Value {
  const all = items(list);
  meter.spend(all.length);
  if (all.length === 0) throw new CelError(`${name} called on empty list`);
  return all.reduce((one, other) => (isBetter(order(other, one)) ? other : one));
}

function sum(list: Value | undefined, zero: Value, meter: Meter): Value {
  const all = items(list);
  meter.spend(all.length);
  if (zero instanceof Uint)
    return asUint(all.reduce<bigint>((total, one) => total + (one as Uint).value, 0n));
  if (typeof zero === "bigint") return all.reduce<bigint>((total, one) => asInt(total + (one as bigint)), 0n);
  if (zero instanceof Duration)
    return new Duration(asInt(all.reduce<bigint>((total, one) => total + (one as Duration).nanoseconds, 0n)));
  return all.reduce<number>((total, one) => total + (one as number), 0);
}

function isSorted(list: Value | undefined, meter: Meter): boolean {
  const all = items(list);
  meter.spend(all.length);
  return all.every((one, index) => index === 0 || order(all[index - 1] ?? null, one) <= 0);
}

function sorted(list: Value | undefined, keys: readonly Value[], meter: Meter): CelList {
  const all = items(list);
  meter.spend(all.length * Math.ceil(Math.log2(all.length + 1)));
  const places = [...all.keys()];
  places.sort((x, y) => order(keys[x] ?? null, keys[y] ?? null));
  return new CelList(places.map((at) => all[at] ?? null));
}

function flattened(list: readonly Value[], depth: number, meter: Meter): Value[] {
  return list.flatMap((one) => {
    meter.spend(1);
    return one instanceof CelList && depth > 0 ? flattened(one.items, depth - 1, meter) : [one];
  });
}

function distinct(list: Value | undefined, meter: Meter): CelList {
  const is = same(meter);
  const kept: Value[] = [];
  for (const one of items(list)) {
    meter.spend(kept.length + 1);
    if (!kept.some((other) => is(one, other))) kept.push(one);
  }
  return new CelList(kept);
}

function contains(list: readonly Value[], wanted: readonly Value[], meter: Meter): boolean {
  meter.spend(list.length * wanted.length);
  const is = same(meter);
  return wanted.every((one) => list.some((other) => is(one, other)));
}

function isNothing(value: Value): boolean {
  if (value === null || value === false || value === "" || value === 0 || value === 0n) return true;
  if (typeof value !== "object") return false;
  if (value instanceof Uint) return value.value === 0n;
  if (value instanceof Uint8Array) return value.length === 0;
  if (value instanceof CelList) return value.items.length === 0;
  if (value instanceof CelMap) return value.size === 0;
  return value instanceof Duration && value.nanoseconds === 0n;
}

const optionalA = optionalOf(a);
function held(value: Value | undefined): Value | undefined {
  if (!(value instanceof Optional)) throw noSuchOverload();
  return value.value;
}

export const listFunctions: readonly Overload[] = [
  ...comparable.flatMap((type) => [
    method("isSorted", [listOf(type)], bool, ([list], meter) => isSorted(list, meter)),
    method("min", [listOf(type)], type, ([list], meter) => best(list, (sign) => sign < 0, "min", meter)),
    method("max", [listOf(type)], type, ([list], meter) => best(list, (sign) => sign > 0, "max", meter)),
    method("sort", [listOf(type)], listOf(type), ([list], meter) => sorted(list, items(list), meter)),
    method("@sortByAssociatedKeys", [listA, listOf(type)], listA, ([list, keys], meter) =>
      sorted(list, items(keys), meter),
    ),
  ]),
  ...(
    [
      [int, 0n],
      [uint, new Uint(0n)],
      [double, 0],
      [duration, new Duration(0n)],
    ] as const
  ).map(([type, zero]) => method("sum", [listOf(type)], type, ([list], meter) => sum(list, zero, meter))),
  method("indexOf", [listA, a], int, ([list, one = null], meter) => {
    meter.spend(items(list).length);
    return BigInt(items(list).findIndex((other) => same(meter)(one, other)));
  }),
  method("lastIndexOf", [listA, a], int, ([list, one = null], meter) => {
    meter.spend(items(list).length);
    const from = [...items(list)].reverse().findIndex((other) => same(meter)(one, other));
    return BigInt(from < 0 ? -1 : items(list).length - 1 - from);
  }),
  method("slice", [listA, int, int], listA, ([list, from, to], meter) => {
    const [start, end, size] = [Number(from), Number(to), items(list).length];
    if (start < 0 || end < 0)
      throw new CelError(`cannot slice(${start}, ${end}), negative indexes not supported`);
    if (start > end)
      throw new CelError(
        `cannot slice(${start}, ${end}), start index must be less than or equal to end index`,
      );
    if (size < end) throw new CelError(`cannot slice(${start}, ${end}), list is length ${size}`);
    meter.spend(end - start);
    return new CelList(items(list).slice(start, end));
  }),
  method("flatten", [listOf(listA)], listA, ([list], meter) => new CelList(flattened(items(list), 1, meter))),
  method("flatten", [listOf(types.dyn), int], listOf(types.dyn), ([list, depth], meter) => {
    if ((depth as bigint) < 0n) throw new CelError("level must be non-negative");
    return new CelList(flattened(items(list), Math.min(Number(depth), 100), meter));
  }),
  method("reverse", [listA], listA, ([list], meter) => {
    meter.spend(items(list).length);
    return new CelList([...items(list)].reverse());
  }),
  method("distinct", [listA], listA, ([list], meter) => distinct(list, meter)),
  method("first", [listA], optionalA, ([list]) => new Optional(items(list)[0])),
  method("last", [listA], optionalA, ([list]) => new Optional(items(list).at(-1))),
  fn("lists.range", [int], listOf(int), ([count], meter) => {
    meter.spend(Math.max(0, Number(count)));
    return new CelList(Array.from({ length: Math.max(0, Number(count)) }, (_, index) => BigInt(index)));
  }),
  fn("sets.contains", [listA, listA], bool, ([list, wanted], meter) =>
    contains(items(list), items(wanted), meter),
  ),
  fn(
    "sets.equivalent",
    [listA, listA],
    bool,
    ([one, other], meter) =>
      contains(items(one), items(other), meter) && contains(items(other), items(one), meter),
  ),
  fn("sets.intersects", [listA, listA], bool, ([one, other], meter) => {
    meter.spend(items(one).length * items(other).length);
    return items(one).some((x) => items(other).some((y) => same(meter)(x, y)));
  }),
];

export const optionalFunctions: readonly Overload[] = [
  fn("optional.of", [a], optionalA, ([value = null]) => new Optional(value)),
  fn(
    "optional.ofNonZeroValue",
    [a],
    optionalA,
    ([value = null]) => new Optional(isNothing(value) ? undefined : value),
  ),
  fn("optional.none", [], optionalA, () => new Optional(undefined)),
  fn("optional.unwrap", [listOf(optionalA)], listA, ([list], meter) => unwrapped(list, meter)),
  method("unwrapOpt", [listOf(optionalA)], listA, ([list], meter) => unwrapped(list, meter)),
  method("hasValue", [optionalA], bool, ([value]) => held(value) !== undefined),
  method("value", [optionalA], a, ([value]) => {
    const inner = held(value);
    if (inner === undefined) throw new CelError("optional.none() dereference");
    return inner;
  }),
  method("or", [optionalA, optionalA], optionalA, ([value, other = null]) =>
    held(value) === undefined ? other : (value ?? null),
  ),
  method("orValue", [optionalA, a], a, ([value, other = null]) => held(value) ?? other),
];

function unwrapped(list: Value | undefined, meter: Meter): CelList {
  meter.spend(items(list).length);
  return new CelList(
    items(list).flatMap((one) => {
      if (!(one instanceof Optional)) throw noSuchOverload();
      return one.value === undefined ? [] : [one.value];
    }),
  );
}
