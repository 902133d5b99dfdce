import type { JsonSchema } from "./json-schema.ts";

/** Paths that rules and selectable fields give into a schema: `.spec.name`, `.spec['a.b']` (apiextensions-apiserver's
 *  ValidFieldPath). Pure. */

export interface FoundPath {
  /** As Kubernetes writes paths: `spec.name`, `spec.labels[a]`. */
  readonly path: string;
  /** The first step. */
  readonly root: string;
  readonly schema: JsonSchema;
}

export type PathVerdict = FoundPath | { readonly problem: string };

export function findPath(
  text: string,
  schema: JsonSchema,
  { brackets = true }: { readonly brackets?: boolean } = {},
): PathVerdict {
  const tokens = tokensOf(text);
  let at = schema;
  let path = "";
  let root = "";
  const fault = (problem: string): PathVerdict => ({ problem });
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index];
    let name: string;
    if (token === "[") {
      if (!brackets) return fault("array notation is not allowed");
      const quoted = tokens[++index];
      if (quoted === undefined) return fault("unexpected end of JSON path");
      if (quoted.length < 2 || !quoted.startsWith("'") || !quoted.endsWith("'"))
        return fault(`expected single quoted string but got ${quoted}`);
      const unescaped = unquoted(quoted.slice(1, -1));
      if ("problem" in unescaped) return fault(`invalid string literal: ${unescaped.problem}`);
      name = unescaped.text;
    } else if (token === ".") {
      const next = tokens[++index];
      if (next === undefined) return fault("unexpected end of JSON path");
      name = next;
    } else return fault(`expected [ or . but got: ${token}`);
    const { properties, additionalProperties } = at;
    const named = properties !== undefined && Object.keys(properties).length > 0;
    if (!named && additionalProperties === undefined) return fault("does not refer to a valid field");
    if (named) {
      const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
      if (property === undefined) return fault("does not refer to a valid field");
      at = property;
      path = path === "" ? name : `${path}.${name}`;
    } else {
      at = typeof additionalProperties === "object" ? additionalProperties : {};
      path = `${path}[${name}]`;
    }
    if (root === "") root = name;
    if (token === "[") {
      const end = tokens[++index];
      if (end === undefined) return fault("unexpected end of JSON path");
      if (end !== "]") return fault(`expected ] but got ${end}`);
    }
  }
  return { path, root, schema: at };
}

/** Dots, brackets, and what stands between; within single quotes anything. */
function tokensOf(text: string): readonly string[] {
  return text.match(/'(?:[^'\\]|\\.)*'|[.[\]]|[^.[\]']+|[^.[\]]+/gs) ?? [];
}

const escapes: Readonly<Record<string, string>> = {
  a: "\u0007",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "'": "'",
  "\\": "\\",
};

function unquoted(text: string): { readonly text: string } | { readonly problem: string } {
  let problem: string | undefined;
  const unescaped = text.replaceAll(/\\./gs, (match) => {
    const char = escapes[match.slice(1)];
    if (char === undefined) problem = `invalid escape char ${match}`;
    return char ?? "";
  });
  return problem === undefined ? { text: unescaped } : { problem };
}
