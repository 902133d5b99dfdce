import { isGranularList } from "./compare.ts";
import { fieldOf, messageOf, type SchemaField, type SchemaType } from "./load.ts";

type Json = Readonly<Record<string, unknown>>;

/** Paths of lists, maps and messages in an object that the schema sets as a whole only: who gives some of one takes away the
 *  rest of it. Of lists that no schema tells of, too. Worded as structured-merge-diff writes paths. Pure. */
export function atomicParts(type: SchemaType | undefined, object: Json, path = ""): readonly string[] {
  return Object.entries(object).flatMap(([name, value]) =>
    partsOf(type && fieldOf(type, name), value, `${path}.${name}`),
  );
}

function partsOf(field: SchemaField | undefined, value: unknown, path: string): readonly string[] {
  const type = field === undefined ? undefined : messageOf(field);
  if (Array.isArray(value)) {
    const own = field !== undefined && (field.c !== "list" || isGranularList(field)) ? [] : [path];
    return [...own, ...value.flatMap((one, index) => messageParts(type, one, `${path}[${index}]`))];
  }
  if (!isObject(value)) return [];
  if (field?.c === "map") return field.atomic === 1 ? [path] : [];
  if (field?.atomic === 1) return [path, ...atomicParts(type, value, path)];
  return messageParts(
    field?.granular === 1 && type !== undefined ? { ...type, atomic: undefined } : type,
    value,
    path,
  );
}

function messageParts(
  type: (Omit<SchemaType, "atomic"> & { readonly atomic?: 1 | undefined }) | undefined,
  value: unknown,
  path: string,
): readonly string[] {
  if (!isObject(value)) return [];
  const inner = atomicParts(type as SchemaType | undefined, value, path);
  return type?.atomic === 1 ? [path, ...inner] : inner;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
