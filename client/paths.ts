import type { Ref, Resource } from "./types.ts";

/** `/api/v1/namespaces/ns/pods/name/status`. Without `name` the collection; without `namespace` all namespaces. */
export function resourcePath(
  resource: Resource<unknown>,
  at: {
    readonly namespace?: string | undefined;
    readonly name?: string;
    readonly subresource?: string | undefined;
  },
): string {
  const root =
    resource.group === "" ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  // As in Go's client, an empty namespace stands for all.
  const scope =
    resource.namespaced && at.namespace ? `/namespaces/${segment(resource, "namespace", at.namespace)}` : "";
  const name = at.name === undefined ? "" : `/${segment(resource, "name", at.name)}`;
  const rest = at.subresource === undefined ? "" : `/${at.subresource}`;
  return `${root}${scope}/${resource.plural}${name}${rest}`;
}

/** One object's path; a namespaced kind without a namespace is the caller's bug. */
export function objectPath(resource: Resource<unknown>, ref: Ref, subresource?: string): string {
  if (resource.namespaced && !ref.namespace)
    throw new TypeError(`${resource.kind} ${ref.name}: a namespace is needed`);
  // Without it the path would be that of the collection.
  if (!ref.name) throw new TypeError(`${resource.kind}: a name is needed`);
  return resourcePath(resource, { namespace: ref.namespace, name: ref.name, subresource });
}

/** A name as a part of the path that leads to this object and to no other: `..` would lead out of its namespace. Throws
 *  `TypeError` for what no object can be called. */
function segment(resource: Resource<unknown>, field: string, value: string): string {
  const isOne = typeof value === "string" && value !== "." && value !== ".." && !/[/%]/.test(value);
  if (isOne) return encodeURIComponent(value);
  throw new TypeError(
    `${resource.kind}: ${field} ${JSON.stringify(value)} must be a text, neither "." nor "..", and have neither "/" nor "%"`,
  );
}

export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** The path with its query; undefined values are left out, lists repeat the name. */
export function withQuery(path: string, query: Query): string {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) pairs.append(name, String(one));
  }
  const text = pairs.toString();
  return text === "" ? path : `${path}?${text}`;
}
