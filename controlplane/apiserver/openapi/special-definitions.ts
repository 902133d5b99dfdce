import type { Dialect } from "./dialect.ts";

/** Types of which OpenAPI says little more than what they mean: times, quantities, anything at all. */

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
const apiextensions = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1";

/** By the type that the schema gives to a field. */
export const specialNames: Readonly<Record<string, string>> = {
  time: `${meta}.Time`,
  microtime: `${meta}.MicroTime`,
  duration: `${meta}.Duration`,
  quantity: "io.k8s.apimachinery.pkg.api.resource.Quantity",
  intOrString: "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
  any: "io.k8s.apimachinery.pkg.runtime.RawExtension",
  json: `${apiextensions}.JSON`,
  schemaOrList: `${apiextensions}.JSONSchemaPropsOrArray`,
  schemaOrBool: `${apiextensions}.JSONSchemaPropsOrBool`,
  schemaOrStrings: `${apiextensions}.JSONSchemaPropsOrStringArray`,
};

/** The one field of any object whose type has a name of its own. */
export const fieldsName = `${meta}.FieldsV1`;

/** The definition, and the names of those that it refers to; undefined for a message. */
export function specialDefinition(
  name: string,
  dialect: Dialect,
): { readonly definition: object; readonly refers: readonly string[] } | undefined {
  const plain = plainDefinitions[name] ?? dialect.own[name];
  if (plain !== undefined) return { definition: plain, refers: [] };
  if (name !== `${meta}.WatchEvent`) return undefined;
  const object = dialect.refTo(specialNames.any ?? "");
  return {
    definition: {
      description: "Event is what happened to one object, as a watch tells it.",
      type: "object",
      required: ["type", "object"],
      properties: {
        object: {
          description:
            "The object: its new state for ADDED and MODIFIED, its last one for DELETED, its resourceVersion alone for BOOKMARK; a Status for ERROR.",
          ...dialect.beside(object),
        },
        type: { type: "string", ...dialect.defaultOf("") },
      },
    },
    refers: [specialNames.any ?? ""],
  };
}

const plainDefinitions: Readonly<Record<string, object>> = {
  [`${meta}.Time`]: {
    description: "Time is a point in time, written as RFC 3339 in whole seconds.",
    type: "string",
    format: "date-time",
  },
  [`${meta}.MicroTime`]: {
    description: "MicroTime is a point in time, written as RFC 3339 with microseconds.",
    type: "string",
    format: "date-time",
  },
  [`${meta}.Duration`]: {
    description: "Duration is a span of time, written as Go writes one: 1m30s, 15s, 250ms.",
    type: "string",
  },
  [fieldsName]: { description: "FieldsV1 stores a set of fields as a trie in JSON.", type: "object" },
  [`${meta}.Patch`]: {
    description: "Patch is the body of a PATCH request, of any of the patch types.",
    type: "object",
  },
  "io.k8s.apimachinery.pkg.runtime.RawExtension": {
    description: "RawExtension is an object of any kind.",
    type: "object",
  },
  [`${apiextensions}.JSON`]: { description: "JSON is any value of JSON." },
  [`${apiextensions}.JSONSchemaPropsOrArray`]: {
    description: "JSONSchemaPropsOrArray is a JSON schema or a list of them.",
  },
  [`${apiextensions}.JSONSchemaPropsOrBool`]: {
    description: "JSONSchemaPropsOrBool is a JSON schema, or true or false.",
  },
  [`${apiextensions}.JSONSchemaPropsOrStringArray`]: {
    description: "JSONSchemaPropsOrStringArray is a JSON schema or a list of strings.",
  },
};
