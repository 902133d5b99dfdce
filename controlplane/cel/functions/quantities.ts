import { isQuantity, parseNanos, quantityRule } from "../../../base/quantity.ts";
import { fn, method, type Overload } from "../environment.ts";
import { opaque, types } from "../types.ts";
import { CelError, Opaque, type Value } from "../values.ts";

/** Amounts of resources. */

const { bool, int, double, string } = types;
const type = opaque("kubernetes.Quantity");

const quantity = (nanos: bigint): Value =>
  new Opaque("kubernetes.Quantity", nanos, (other) => other.value === nanos);
const nanos = (value: Value | undefined) => (value as Opaque).value as bigint;
const billion = 1_000_000_000n;

/** Throws CelError. */
export function quantityValue(text: string): Value {
  if (!isQuantity(text)) throw new CelError(quantityRule);
  return quantity(parseNanos(text));
}

const isWhole = (value: bigint) =>
  value % billion === 0n && BigInt.asIntN(64, value / billion) === value / billion;

export const quantityFunctions: readonly Overload[] = [
  fn("quantity", [string], type, ([text]) => quantityValue(text as string)),
  fn("isQuantity", [string], bool, ([text]) => isQuantity(text as string)),
  fn("sign", [type], int, ([one]) => (nanos(one) === 0n ? 0n : nanos(one) < 0n ? -1n : 1n)),
  method("isGreaterThan", [type, type], bool, ([one, other]) => nanos(one) > nanos(other)),
  method("isLessThan", [type, type], bool, ([one, other]) => nanos(one) < nanos(other)),
  method("compareTo", [type, type], int, ([one, other]) => {
    if (nanos(one) === nanos(other)) return 0n;
    return nanos(one) < nanos(other) ? -1n : 1n;
  }),
  method("asApproximateFloat", [type], double, ([one]) => Number(nanos(one)) / 1e9),
  method("asInteger", [type], int, ([one]) => {
    if (!isWhole(nanos(one))) throw new CelError("cannot convert value to integer");
    return nanos(one) / billion;
  }),
  method("isInteger", [type], bool, ([one]) => isWhole(nanos(one))),
  method("add", [type, type], type, ([one, other]) => quantity(nanos(one) + nanos(other))),
  method("add", [type, int], type, ([one, other]) => quantity(nanos(one) + (other as bigint) * billion)),
  method("sub", [type, type], type, ([one, other]) => quantity(nanos(one) - nanos(other))),
  method("sub", [type, int], type, ([one, other]) => quantity(nanos(one) - (other as bigint) * billion)),
];
