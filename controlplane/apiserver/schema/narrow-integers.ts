import { fieldOf, findTypeName, messageOf, type SchemaField, type SchemaType, typeOf } from "./load.ts";

type Json = Record<string, unknown>;

/** Leaves of each whole number what its 32-bit field can hold, as Go's conversions do: where an object is converted, not read,
 *  nobody asks whether it fits. Mutates; kinds without a type are left alone. */
export function narrowIntegers(object: Json): void {
  const type = typeOf(findTypeName(String(object.apiVersion), String(object.kind)) ?? "");
  if (type !== undefined) narrowMessage(type, object);
}

function narrowMessage(type: SchemaType, object: Json): void {
  for (const [name, value] of Object.entries(object)) {
    const field = fieldOf(type, name);
    if (field === undefined) continue;
    if (field.c === undefined) narrowIn(object, name, field);
    else if (isContainer(value)) for (const key of Object.keys(value)) narrowIn(value, key, field);
  }
}

/** One value, or one of a list or a map. */
function narrowIn(holder: Json, key: string, field: SchemaField): void {
  const value = holder[key];
  const type = messageOf(field);
  if (type !== undefined) {
    if (isContainer(value)) narrowMessage(type, value);
  } else if (field.t === "integer" && field.f === "int32" && isWhole(value)) {
    const narrow = Number(BigInt.asIntN(32, within64Bits(BigInt(value))));
    if (narrow !== value) holder[key] = narrow;
  }
}

const isWhole = (value: unknown): value is number | bigint =>
  typeof value === "bigint" || Number.isInteger(value);

/** What is beyond becomes the least of them. */
const within64Bits = (value: bigint) => (BigInt.asIntN(64, value) === value ? value : -(2n ** 63n));

const isContainer = (value: unknown): value is Json => typeof value === "object" && value !== null;
