import { type CelType, types } from "./types.ts";
import { Uint, type Value } from "./values.ts";

/** A literal as the parser gives it. */
export function asValue(value: unknown): Value {
  if (value === null || value instanceof Uint8Array) return value;
  if (typeof value === "object") return new Uint((value as { readonly value: bigint }).value);
  return value as Value;
}

export function literalType(value: Value): CelType {
  if (value === null) return types.null;
  if (value instanceof Uint) return types.uint;
  if (value instanceof Uint8Array) return types.bytes;
  switch (typeof value) {
    case "boolean":
      return types.bool;
    case "bigint":
      return types.int;
    case "number":
      return types.double;
    default:
      return types.string;
  }
}
