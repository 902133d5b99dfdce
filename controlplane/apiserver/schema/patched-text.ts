import { fieldOf, type SchemaField, type SchemaType, typeOf } from "./load.ts";

/** What a patch went into, level by level. */
export interface Touched {
  readonly [name: string]: Touched;
}

type Json = Readonly<Record<string, unknown>>;

/** A patched object as Kubernetes writes it where it cannot be decoded: what the patch went into by name, the rest as its type
 *  declares it. Pure.
 *  @param type Absent: nothing is known of its fields, which then stand by name. */
export function inGoOrder(value: unknown, touched: Touched | undefined, type?: SchemaType): unknown {
  if (Array.isArray(value)) return value.map((one, at) => inGoOrder(one, touched?.[at], type));
  if (!isObject(value)) return value;
  const names = Object.keys(value).sort();
  if (touched === undefined && type !== undefined) {
    const declared = Object.keys(type.fields);
    const placeOf = (name: string) => (declared.includes(name) ? declared.indexOf(name) : declared.length);
    names.sort((a, b) => placeOf(a) - placeOf(b));
  }
  const field = (name: string) => (type === undefined ? undefined : fieldOf(type, name));
  return Object.fromEntries(names.map((name) => [name, within(field(name), value[name], touched?.[name])]));
}

function within(field: SchemaField | undefined, value: unknown, touched: Touched | undefined): unknown {
  const type = field === undefined ? undefined : typeOf(field.t);
  if (field?.c !== "map" || !isObject(value)) return inGoOrder(value, touched, type);
  const names = Object.keys(value).sort();
  return Object.fromEntries(names.map((name) => [name, inGoOrder(value[name], touched?.[name], type)]));
}

/** The levels that a merge patch goes into: its lists too, in whose objects it looks for nulls. */
export function touchedByMerge(patch: unknown): Touched {
  if (typeof patch !== "object" || patch === null) return {};
  const inner = Object.entries(patch).filter(([, value]) => typeof value === "object" && value !== null);
  return Object.fromEntries(inner.map(([name, value]) => [name, touchedByMerge(value)]));
}

/** A level whose names are all its own: they come from a client. */
const level = (): { [name: string]: Touched } => Object.create(null);

/** The levels above the places that the operations of a JSON patch name. */
export function touchedByOperations(operations: readonly Json[]): Touched {
  const root = level();
  for (const { path, from } of operations)
    for (const pointer of [path, from]) {
      if (typeof pointer !== "string") continue;
      const names = pointer.split("/").slice(1, -1);
      let at = root;
      for (const name of names.map((one) => one.replaceAll("~1", "/").replaceAll("~0", "~"))) {
        at[name] ??= level();
        at = at[name] as typeof root;
      }
    }
  return root;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
