import { createHash } from "node:crypto";

/** What parts of OpenAPI documents say, as short digests, so that a whole API fits into a small file. */

type Json = Readonly<Record<string, unknown>>;

/** Of one path: all its operations, with their texts. */
export function pathDigest(item: unknown): string {
  return digest(inOrder(item));
}

/** Of a definition: fields, types, defaults, values, requirements, how lists and maps merge; not its texts. */
export function shapeDigest(definition: unknown): string {
  return digest(inOrder(withoutTexts(definition, true)));
}

/** Of a definition: what it and its fields mean; not fields that only refer to another, nor the list of values at a text's end. */
export function textsDigest(definition: Json): string {
  const { description = "", properties = {} } = definition as {
    description?: string;
    properties?: Record<string, Json>;
  };
  const texts = Object.entries(properties)
    .filter(([, field]) => field.type !== undefined)
    .map(([name, field]) => [name, String(field.description ?? "").split("\n\nPossible enum values")[0]])
    .sort(([a = ""], [b = ""]) => (a < b ? -1 : 1));
  return digest([description, texts]);
}

export function digest(value: unknown): string {
  return createHash("sha256")
    .update(JSON.stringify(value) ?? "")
    .digest("hex")
    .slice(0, 10);
}

/** Lists in which order means nothing. */
const sets: ReadonlySet<string> = new Set(["required", "consumes", "produces", "parameters", "tags"]);

function inOrder(value: unknown, name = ""): unknown {
  if (Array.isArray(value)) {
    const all = value.map((one) => inOrder(one));
    return sets.has(name) ? all.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : all;
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, inOrder(one, key)]),
  );
}

/** A reference stands as it is, whether it is wrapped to have a text beside it or not. */
function withoutTexts(value: unknown, isSchema: boolean): unknown {
  if (Array.isArray(value)) return value.map((one) => withoutTexts(one, true));
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value)
    .filter(([name, one]) => !(isSchema && name === "description" && typeof one === "string"))
    .map(([name, one]): [string, unknown] => [name, withoutTexts(one, name !== "properties" || !isSchema)]);
  const [only, ...others] = kept;
  if (only?.[0] === "allOf" && others.length === 0) return (only[1] as readonly unknown[])[0];
  return Object.fromEntries(kept);
}
