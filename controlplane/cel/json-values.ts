import { CelList, CelMap, type Value } from "./values.ts";

/** JSON of which no schema is known: whole numbers are ints. */
export function untypedValue(json: unknown): Value {
  if (json === null || json === undefined) return null;
  if (typeof json === "bigint") return json;
  if (typeof json === "number") return Number.isInteger(json) ? BigInt(json) : json;
  if (Array.isArray(json)) return new CelList(json.map(untypedValue));
  if (typeof json !== "object") return json as string | boolean;
  const map = new CelMap();
  for (const [name, value] of Object.entries(json)) map.setLazy(name, () => untypedValue(value));
  return map;
}
