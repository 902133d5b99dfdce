import { createHash } from "node:crypto";

/** What a definition says of its fields, but for their texts, patterns and plain defaults: names, types, formats, what is
 *  required, how lists and maps merge. */

type Json = Record<string, unknown>;

const texts: ReadonlySet<string> = new Set([
  "description",
  "enum",
  "pattern",
  "x-kubernetes-group-version-kind",
  "x-kubernetes-unions",
]);

/** `fields digest` of a definition, so that a whole API fits into a small file. */
export function factsOf(definition: Json): string {
  const { properties = {}, required = [], ...rest } = definition;
  const facts = {
    rest: kept(rest),
    required: [...(required as readonly string[])].sort(),
    properties: kept(properties, true),
  };
  const digest = createHash("sha256").update(JSON.stringify(facts)).digest("hex").slice(0, 12);
  return `${Object.keys(properties as Json).length} ${digest}`;
}

/** The value without texts, keys in order, references as they stand whether wrapped or not. */
function kept(value: unknown, areNames = false): unknown {
  if (Array.isArray(value)) return value.map((one) => kept(one));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value)
    .filter(([name, one]) => areNames || !(texts.has(name) || (name === "default" && !isEmptyObject(one))))
    .map(([name, one]) => [name, kept(one)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const [only, ...others] = entries;
  if (!areNames && only?.[0] === "allOf" && others.length === 0) return (only[1] as readonly unknown[])[0];
  return Object.fromEntries(entries);
}

const isEmptyObject = (value: unknown) =>
  typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
