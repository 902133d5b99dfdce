import type { DeclaredSizes } from "../../cel/cost/sizes.ts";
import { escapedName } from "../../cel/field-names.ts";
import type { JsonSchema } from "./json-schema.ts";
import { isEmbedded, withMeta } from "./schema-types.ts";

/** How large values of a schema can be, for what expressions on them may cost: by what the schema says, or else by what fits
 *  into a request (k8s.io/apiserver's pkg/cel/common). Pure. */
export interface SchemaSizes {
  /** At most: characters, bytes, items, entries. */
  readonly elementsMax: number;
  /** Of the value as JSON. */
  readonly bytesMin: number;
  readonly item?: SchemaSizes;
  readonly key?: SchemaSizes;
  readonly fields?: ReadonlyMap<string, SchemaSizes>;
}

const requestBytesMax = 3 * 1024 * 1024;
/** Without its quotes. */
const textMax = requestBytesMax - 2;
const bytesPerCharacterMax = 4;

/** Undefined: expressions do not see it. */
export function sizesOf(schema: JsonSchema, isRoot = isEmbedded(schema)): SchemaSizes | undefined {
  if (schema["x-kubernetes-int-or-string"] === true)
    return { elementsMax: charactersMax(schema) ?? textMax, bytesMin: 1 };
  const seen = isRoot ? withMeta(schema) : schema;
  switch (seen.type) {
    case "array": {
      const item = seen.items === undefined ? undefined : sizesOf(seen.items);
      if (item === undefined) return undefined;
      const fitting = Math.floor((requestBytesMax - 2) / (item.bytesMin + 1));
      return { elementsMax: limit(seen.maxItems) ?? fitting, bytesMin: 2, item };
    }
    case "object":
      return objectSizes(seen);
    case "string":
      return textSizes(seen);
    case "boolean":
      return { elementsMax: 0, bytesMin: 4 };
    case "number":
    case "integer":
      return { elementsMax: 0, bytesMin: 1 };
    default:
      return undefined;
  }
}

function limit(given: number | undefined): number | undefined {
  return given === undefined || given === null ? undefined : Math.max(given, 0);
}

function charactersMax({ maxLength }: JsonSchema): number | undefined {
  const length = limit(maxLength);
  return length === undefined ? undefined : length * bytesPerCharacterMax;
}

function objectSizes(schema: JsonSchema): SchemaSizes | undefined {
  const { additionalProperties, maxProperties, properties = {}, required = [] } = schema;
  if (typeof additionalProperties === "object") {
    const item = sizesOf(additionalProperties);
    if (item === undefined) return undefined;
    // Two quotes, a colon, a comma, and a key of two characters.
    const fitting = Math.floor((requestBytesMax - 2) / (item.bytesMin + 6));
    const key = { elementsMax: 0, bytesMin: 2 };
    return { elementsMax: limit(maxProperties) ?? fitting, bytesMin: 2, item, key };
  }
  const fields = new Map<string, SchemaSizes>();
  let bytesMin = 2;
  for (const [name, property] of Object.entries(properties)) {
    const sizes = sizesOf(property);
    if (sizes === undefined) continue;
    const escaped = escapedName(name);
    if (escaped !== undefined) fields.set(escaped, sizes);
    const isFilledIn = property.default !== undefined && property.default !== null;
    if (required.includes(name) && !isFilledIn) bytesMin += Buffer.byteLength(name) + sizes.bytesMin + 4;
  }
  return { elementsMax: 0, bytesMin, fields };
}

function textSizes(schema: JsonSchema): SchemaSizes {
  switch (schema.format) {
    case "byte":
      return { elementsMax: limit(schema.maxLength) ?? textMax, bytesMin: 2 };
    case "duration":
      return { elementsMax: 32, bytesMin: 3 };
    case "date":
      return { elementsMax: 12, bytesMin: 12 };
    case "date-time":
      return { elementsMax: 32, bytesMin: 21 };
  }
  const choices = (schema.enum ?? []).map((one) => (typeof one === "string" ? Buffer.byteLength(one) : 0));
  const longest = choices.length > 0 ? Math.max(...choices) : textMax;
  return { elementsMax: charactersMax(schema) ?? longest, bytesMin: 2 };
}

/** How often at most a value of this size can stand in an object, wherever that is not bounded otherwise. */
export const timesInRequest = ({ bytesMin }: SchemaSizes): number =>
  Math.floor(requestBytesMax / (bytesMin + 1));

/** What is declared where a path leads that begins with a variable of the schema. */
export function declaredBy(root: SchemaSizes): DeclaredSizes {
  return (path) => {
    let at: SchemaSizes | undefined = root;
    for (const step of path.slice(1)) {
      if (step === "@items" || step === "@values") at = at.item;
      else at = step === "@keys" ? at.key : at.fields?.get(step);
      if (at === undefined) return undefined;
    }
    return at.elementsMax;
  };
}
