import { CelError, CelList, CelMap, noSuchOverload, Optional, Uint, type Value } from "./values.ts";

/** A field, or an item by its index. Through optionals the answer is optional too. */
export function access(
  value: Value,
  key: Value,
  { optional = false, byIndex = false }: { readonly optional?: boolean; readonly byIndex?: boolean } = {},
): Value {
  if (value instanceof Optional) {
    if (value.value === undefined) return value;
    return asOptional(present(value.value, key, byIndex));
  }
  if (optional) return asOptional(present(value, key, byIndex));
  const item = found(value, key, byIndex);
  if (item !== undefined) return item;
  throw missing(value, key);
}

const asOptional = (value: Value | undefined) => (value instanceof Optional ? value : new Optional(value));

/** A field of an object that is null counts as none. */
function present(value: Value, key: Value, byIndex: boolean): Value | undefined {
  const item = found(value, key, byIndex);
  const isField = value instanceof CelMap && value.typeName !== undefined;
  return item === null && isField ? undefined : item;
}

function found(value: Value, key: Value, byIndex: boolean): Value | undefined {
  if (value instanceof CelMap) return value.get(key);
  if (!byIndex) return undefined;
  if (!(value instanceof CelList)) throw noSuchOverload();
  const index = indexOf(key);
  if (index === undefined) throw noSuchOverload();
  return value.items[index];
}

function indexOf(key: Value): number | undefined {
  if (typeof key === "bigint") return Number(key);
  if (key instanceof Uint) return Number(key.value);
  return typeof key === "number" && Number.isInteger(key) ? key : undefined;
}

function missing(value: Value, key: Value): CelError {
  const shown = key instanceof Uint ? String(key.value) : String(key);
  return new CelError(value instanceof CelList ? `index out of bounds: ${shown}` : `no such key: ${shown}`);
}

export function hasField(value: Value, name: string): boolean {
  if (value instanceof Optional) return value.value !== undefined && hasField(value.value, name);
  if (!(value instanceof CelMap)) return false;
  return value.typeName === undefined ? value.has(name) : (value.get(name) ?? null) !== null;
}
