import type { Kind } from "../../controlplane/apiserver/registry/kind.ts";
import { resourceMetricsKinds } from "../../controlplane/apiserver/resources/resource-metrics.ts";
import { kinds } from "../../controlplane/apiserver/resources/table.ts";
import { apiVersionOf, type Schema, typeNameOf } from "../../controlplane/apiserver/schema/load.ts";

/** A message that a client can send to a served kind, and the first place where one stands. */
export interface ReachedMessage {
  /** As docs/reference/fields.md heads its section: `core/v1 PodSpec`. */
  readonly title: string;
  readonly type: string;
  /** The kind at the top of the place. */
  readonly root: string;
  /** Field by field; a list's first element is `0`, a map's is `k`. */
  readonly place: readonly string[];
  readonly fields: readonly string[];
}

/** Every message that can be reached, in the order in which a walk from the served kinds meets them; of
 *  a message's fields in the order of their names. */
export function reachedMessages(schema: Schema): readonly ReachedMessage[] {
  const reached = new Map<string, ReachedMessage>();
  const visit = (type: string, root: string, place: readonly string[]) => {
    const message = Object.hasOwn(schema.types, type) ? schema.types[type] : undefined;
    if (message === undefined || reached.has(type)) return;
    const [group = "", version = ""] = message.p.split(".").slice(-2);
    const title = `${group}/${version} ${message.k}`;
    const fields = Object.entries(message.fields).sort(([a], [b]) => (a < b ? -1 : 1));
    reached.set(type, { title, type, root, place, fields: fields.map(([name]) => name) });
    for (const [name, { t, c }] of fields)
      visit(t, root, [...place, name, ...(c === "list" ? ["0"] : c === undefined ? [] : ["k"])]);
  };
  for (const root of roots()) visit(typeNameOf(root), root.kind, []);
  return [...reached.values()];
}

interface Root {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** The served kinds, and what their subresources take. */
function roots(): readonly Root[] {
  const ofKind = ({ group, version, kind, otherForms = [], subresources }: Kind): readonly Root[] => [
    { group, version, kind },
    ...otherForms.map((form) => ({ group: form.group, version: form.version, kind })),
    ...(subresources.scale ? [{ group: "autoscaling", version: "v1", kind: "Scale" }] : []),
    ...(subresources.special ?? []).flatMap((name) => bodies[name] ?? []),
  ];
  const all = [...kinds, ...resourceMetricsKinds];
  return [...all.flatMap(ofKind), { group: "", version: "v1", kind: "DeleteOptions" }];
}

const bodies: Readonly<Record<string, Root>> = {
  binding: { group: "", version: "v1", kind: "Binding" },
  token: { group: "authentication.k8s.io", version: "v1", kind: "TokenRequest" },
  eviction: { group: "policy", version: "v1", kind: "Eviction" },
};

/** `apiVersion` and `kind` of a root's objects. */
export function typeMetaOf(root: string): { apiVersion: string; kind: string } {
  const found = roots().find(({ kind }) => kind === root);
  if (found === undefined) throw new Error(`no kind ${root} is served`);
  return { apiVersion: apiVersionOf(found), kind: root };
}
