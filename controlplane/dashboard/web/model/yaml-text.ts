import { type Document, isScalar, type ParsedNode, stringify, type Tags } from "yaml";
import { isSameJson } from "../../../../base/same-json.ts";
import { isObject } from "./merge-objects.ts";

/** YAML as kubectl reads it: 1.1 (`0644` is octal, `yes` is true), in which times and `1:30` are texts. */
export const yamlOptions = {
  version: "1.1",
  customTags: (tags: Tags): Tags =>
    tags.filter(
      (tag) =>
        typeof tag === "string" || (tag.tag !== "tag:yaml.org,2002:timestamp" && formatOf(tag) !== "TIME"),
    ),
} as const;

const formatOf = (tag: object): unknown => ("format" in tag ? tag.format : undefined);

/** Pure. */
export const yamlText = (value: unknown): string => stringify(value, { ...yamlOptions, lineWidth: 0 });

/** Changes in a document what differs between two values of it, and leaves comments and the rest as they are written. */
export function rewrite(
  document: Document<ParsedNode> | Document.Parsed<ParsedNode>,
  from: unknown,
  to: unknown,
  path: readonly (string | number)[] = [],
): void {
  if (isSameJson(from, to)) return;
  if (isObject(from) && isObject(to)) {
    for (const name of Object.keys(from)) if (!Object.hasOwn(to, name)) document.deleteIn([...path, name]);
    for (const [name, value] of Object.entries(to))
      rewrite(document, Object.hasOwn(from, name) ? from[name] : undefined, value, [...path, name]);
  } else if (Array.isArray(from) && Array.isArray(to) && from.length === to.length) {
    for (const [at, value] of to.entries()) rewrite(document, from[at], value, [...path, at]);
  } else {
    const node = path.length > 0 ? document.getIn(path, true) : undefined;
    // A scalar that stays one keeps what is said beside it.
    if (isScalar(node) && (typeof to !== "object" || to === null)) node.value = to;
    else document.setIn(path, document.createNode(to));
  }
}

/** The same value with its fields in the order of another's, so that a difference of their texts is one of what they say. Pure. */
export function inOrderOf(value: unknown, like: unknown): unknown {
  if (Array.isArray(value))
    return value.map((item, at) => inOrderOf(item, Array.isArray(like) ? like[at] : undefined));
  if (!isObject(value)) return value;
  const known = isObject(like) ? like : {};
  const names = [
    ...Object.keys(known).filter((name) => Object.hasOwn(value, name)),
    ...Object.keys(value).filter((name) => !Object.hasOwn(known, name)),
  ];
  return Object.fromEntries(
    names.map((name) => [name, inOrderOf(value[name], Object.hasOwn(known, name) ? known[name] : undefined)]),
  );
}
