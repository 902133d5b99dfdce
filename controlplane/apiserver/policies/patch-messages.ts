import { exactWhole } from "../../../base/exact-json.ts";
import { type Environment, fn, functionTable, type Message } from "../../cel/environment.ts";
import { type CelType, types } from "../../cel/types.ts";
import {
  CelError,
  CelList,
  CelMap,
  Duration,
  Optional,
  Timestamp,
  Uint,
  type Value,
} from "../../cel/values.ts";

/** What expressions of mutations can make: `Object{…}`, whose inner objects are named by their path (`Object.spec{…}`), and
 *  `JSONPatch{op, path, from, value}`. */

const objectType = (name: string): CelType => ({ kind: "object", name, fields: new Map() });

const patchFields: ReadonlyMap<string, CelType> = new Map<string, CelType>([
  ["op", types.string],
  ["path", types.string],
  ["from", types.string],
  ["value", types.dyn],
]);

const madeOf =
  (name: string) =>
  (fields: ReadonlyMap<string, Value>): Value => {
    const made = new CelMap(name);
    for (const [field, value] of fields) made.set(field, value);
    return made;
  };

function messageNamed(name: string): Message | undefined {
  if (name === "JSONPatch")
    return {
      type: { kind: "object", name, fields: patchFields },
      field: (field) => patchFields.get(field),
      make: madeOf(name),
    };
  if (name !== "Object" && !name.startsWith("Object.")) return undefined;
  return { type: objectType(name), field: () => types.dyn, make: madeOf(name) };
}

const escapeKey = fn("jsonpatch.escapeKey", [types.string], types.string, ([key], meter) => {
  meter.spendText(String(key).length);
  return String(key).replaceAll("~", "~0").replaceAll("/", "~1");
});

/** The environment with what mutations can make. */
export function withPatches(environment: Environment): Environment {
  return {
    ...environment,
    functions: functionTable([...environment.functions.values()].flat(), [escapeKey]),
    messages: messageNamed,
  };
}

/** The type of each object inside must be named by where it stands. Throws CelError.
 *  (dynamic.CheckTypeNamesMatchFieldPathNames) */
export function checkTypeNames(value: Value, path = "Object"): void {
  const problems = typeNameProblems(value, path);
  if (problems.length > 0) throw new CelError(`type mismatch: ${problems.join("\n")}`);
}

function typeNameProblems(value: Value, path: string): readonly string[] {
  if (value instanceof CelList) return value.items.flatMap((one) => typeNameProblems(one, path));
  if (!(value instanceof CelMap)) return [];
  const { typeName } = value;
  const isObject = typeName?.startsWith("Object") === true;
  const [named, wanted] = [JSON.stringify(typeName), JSON.stringify(path)];
  const text = `unexpected type name ${named}, expected ${wanted}, which matches field name path from root Object type`;
  const inner = value
    .keys()
    .flatMap((key) => typeNameProblems(value.get(key) ?? null, isObject ? `${path}.${String(key)}` : path));
  return isObject && typeName !== path ? [text, ...inner] : inner;
}

/** The value as JSON. Throws CelError for what JSON cannot say. */
export function jsonOf(value: Value): unknown {
  if (value instanceof CelList) return value.items.map(jsonOf);
  if (value instanceof CelMap) return Object.fromEntries(value.keys().map((key) => jsonEntry(value, key)));
  if (value instanceof Optional) return value.value === undefined ? null : jsonOf(value.value);
  if (value instanceof Uint) return exactWhole(String(value.value));
  if (typeof value === "bigint") return exactWhole(String(value));
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (value instanceof Timestamp) return new Date(Number(value.nanoseconds / 1_000_000n)).toISOString();
  if (value instanceof Duration) return `${Number(value.nanoseconds) / 1e9}s`;
  if (value === null || typeof value !== "object") return value;
  throw new CelError("cannot be written as JSON");
}

function jsonEntry(map: CelMap, key: Value): [string, unknown] {
  if (typeof key !== "string") throw new CelError(`map key ${String(key)} is no string`);
  return [key, jsonOf(map.get(key) ?? null)];
}
