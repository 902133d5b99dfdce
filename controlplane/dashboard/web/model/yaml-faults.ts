import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type ParsedNode,
  parseAllDocuments,
} from "yaml";
import { isNearly } from "../../../../base/edit-distance.ts";
import { type EditScope, serverOwned } from "./editable.ts";
import { type FieldPath, pathOf, pathsInMessage, pathText } from "./field-path.ts";
import type { SchemaNode } from "./schema.ts";
import { yamlOptions } from "./yaml-text.ts";

/** What is wrong with a place of a text, and by which rule. */
export interface Fault {
  readonly from: number;
  readonly to: number;
  readonly rule:
    | "yaml"
    | "unknown-field"
    | "wrong-type"
    | "not-a-choice"
    | "missing-field"
    | "server-owned"
    | "server";
  readonly message: string;
  /** The server would take it: a word, no hindrance. */
  readonly isHint?: boolean;
}

export interface ReadYaml {
  readonly document: Document.Parsed<ParsedNode> | undefined;
  /** Undefined where the text cannot be read. */
  readonly value: Readonly<Record<string, unknown>> | undefined;
  readonly faults: readonly Fault[];
}

const faultsMost = 200;

/** Reads one object. Pure. */
export function readYaml(text: string): ReadYaml {
  const documents = parseAllDocuments(text, { ...yamlOptions, prettyErrors: false, uniqueKeys: true });
  const whole = (message: string): ReadYaml => ({
    document: undefined,
    value: undefined,
    faults: [{ from: 0, to: text.length, rule: "yaml", message }],
  });
  if (!Array.isArray(documents) || documents.length === 0) return whole("there is no object");
  const full = documents.filter(({ contents }) => contents !== null && !isEmptyScalar(contents));
  const [document = documents[0], second] = full;
  if (document === undefined) return whole("there is no object");
  const faults: Fault[] = [...document.errors, ...document.warnings].map(({ message, pos: [from, to] }) => ({
    from,
    to: Math.max(to, from + 1),
    rule: "yaml",
    message,
  }));
  if (second !== undefined) {
    const [from = 0, to = text.length] = second.range;
    faults.push({ from, to, rule: "yaml", message: "another object begins here: write one at a time" });
  }
  if (faults.length > 0) return { document: second ? undefined : document, value: undefined, faults };
  if (!isMap(document.contents)) return whole("an object is wanted: fields and their values");
  try {
    // A text of a few lines can otherwise stand for gigabytes.
    return { document, value: document.toJS({ maxAliasCount: 100 }) as Record<string, unknown>, faults };
  } catch (error) {
    return whole(error instanceof Error ? error.message : String(error));
  }
}

const isEmptyScalar = (node: unknown): boolean => isScalar(node) && node.value === null && node.source === "";

/** What the schema says against an object as it is written. Pure. */
export function schemaFaults(
  document: Document.Parsed<ParsedNode>,
  schema: SchemaNode | undefined,
  scope: EditScope,
): readonly Fault[] {
  const faults: Fault[] = [];
  const look = (node: Node | null | undefined, known: SchemaNode, path: FieldPath): void => {
    if (faults.length >= faultsMost || node === null || node === undefined || isAlias(node)) return;
    const value: unknown = isMap(node) ? {} : isSeq(node) ? [] : isScalar(node) ? node.value : undefined;
    if (!known.takes(value)) {
      const wanted = known.typeText;
      faults.push({
        ...rangeOf(node),
        rule: "wrong-type",
        message: `${pathText(path)}: ${typeName(value)} stands where ${wanted} is wanted`,
      });
      return;
    }
    const { enum: choices } = known.schema;
    if (choices !== undefined && isScalar(node) && value !== null && !choices.includes(value))
      faults.push({
        ...rangeOf(node),
        rule: "not-a-choice",
        message: `${pathText(path)}: ${JSON.stringify(value)} is none of ${choices.map(String).join(", ")}`,
      });
    if (isSeq(node))
      for (const [at, item] of node.items.entries()) look(item as Node, known.item(), [...path, at]);
    if (!isMap(node)) return;
    for (const pair of node.items) {
      const key = pair.key as Node;
      const name = isScalar(key) ? String(key.value) : undefined;
      if (name === undefined || name === "<<") continue;
      const at = [...path, name];
      const owned = serverOwned(at, scope);
      if (owned !== undefined) {
        faults.push({ ...rangeOf(key), rule: "server-owned", message: owned, isHint: true });
        continue;
      }
      const field = known.field(name);
      if (field === undefined)
        faults.push({ ...rangeOf(key), rule: "unknown-field", message: unknownText(at, name, known) });
      else look(pair.value as Node | null, field, at);
    }
    const names = new Set(node.items.map(({ key }) => (isScalar(key) ? String(key.value) : "")));
    for (const { name, isRequired } of known.fields)
      if (isRequired && !names.has(name))
        faults.push({
          ...headOf(document, node, path),
          rule: "missing-field",
          message: `${pathText([...path, name])} must be there`,
        });
  };
  if (schema !== undefined) look(document.contents as Node, schema, []);
  return faults;
}

function unknownText(path: FieldPath, name: string, { fields }: SchemaNode): string {
  const near = fields.find((field) => isNearly(field.name.toLowerCase(), name.toLowerCase()));
  return `${pathText(path)}: there is no such field${near ? `; did you mean ${near.name}?` : ""}`;
}

const typeName = (value: unknown): string =>
  Array.isArray(value)
    ? "a list"
    : typeof value === "object"
      ? "an object"
      : Number.isInteger(value)
        ? "an integer"
        : `a ${typeof value}`;

function rangeOf(node: Node): { readonly from: number; readonly to: number } {
  const [from, to] = node.range ?? [0, 0];
  return { from, to: Math.max(to, from + 1) };
}

/** Where one looks for a field that is missing: the name of what it is missing in, or the beginning of an item. */
function headOf(document: Document, node: Node, path: FieldPath) {
  const key = keyAt(document, path);
  const { from } = rangeOf(node);
  return key ? rangeOf(key) : { from, to: from + 1 };
}

/** Marks what the server said against fields. What it says of a field that is not written stands at the nearest thing around it;
 *  the rest is answered apart. Pure. */
export function serverFaults(
  document: Document.Parsed<ParsedNode>,
  said: {
    readonly message: string;
    readonly causes: readonly { readonly field: string; readonly message: string }[];
  },
): { readonly faults: readonly Fault[]; readonly isPlaced: boolean } {
  const named = said.causes.flatMap(({ field, message }) => {
    const path = pathOf(field.replace(/^<nil>$/, ""));
    return path ? [{ path, message: `${field}: ${message}` }] : [];
  });
  const places = named.length > 0 ? named : pathsInMessage(said.message);
  return {
    faults: places.slice(0, faultsMost).map(({ path, message }) => ({
      ...placeOf(document, path),
      rule: "server" as const,
      message,
    })),
    isPlaced: places.length > 0 && (named.length === 0 || named.length === said.causes.length),
  };
}

/** The text of a field, or of the nearest thing around it that is written. Pure. */
export function placeOf(
  document: Document.Parsed<ParsedNode>,
  path: FieldPath,
): { readonly from: number; readonly to: number } {
  for (let length = path.length; length > 0; length--) {
    const part = path.slice(0, length);
    const value = document.getIn(part, true);
    if (length === path.length && isScalar(value) && value.range) return rangeOf(value);
    const key = keyAt(document, part);
    if (key) return rangeOf(key);
    const node = value as Node | undefined;
    if (node?.range) return { from: node.range[0], to: node.range[0] + 1 };
  }
  return { from: 0, to: 1 };
}

function keyAt(document: Document, path: FieldPath): Node | undefined {
  const name = path.at(-1);
  if (name === undefined || typeof name === "number") return undefined;
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (!isMap(parent)) return undefined;
  return parent.items.find(({ key }) => isScalar(key) && String(key.value) === name)?.key as Node | undefined;
}
