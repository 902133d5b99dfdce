import type { Verb } from "../registry/kind.ts";
import type { ServedKind } from "../registry/kind-table.ts";

/** A kind as it is served in one group and version. */
export type ServedAs = Pick<ServedKind, "kind" | "group" | "version" | "schema">;

export interface Operation {
  readonly path: string;
  readonly method: "get" | "post" | "put" | "patch" | "delete";
  readonly id: string;
  readonly description: string;
  /** `x-kubernetes-action`. */
  readonly action: string;
  /** What the operation is about; its body and answer too unless `answer` says otherwise. */
  readonly gvk: { readonly group: string; readonly version: string; readonly kind: string };
  readonly answer: "object" | "list" | "status";
  readonly takesBody: boolean;
  readonly query: readonly QueryParameter[];
  readonly pathParameters: readonly string[];
}

export interface QueryParameter {
  readonly name: string;
  readonly type: "string" | "integer" | "boolean";
  readonly description: string;
}

const dryRun: QueryParameter = {
  name: "dryRun",
  type: "string",
  description: "All: the request is checked and answered, but nothing is stored.",
};
const fieldManager: QueryParameter = {
  name: "fieldManager",
  type: "string",
  description: "The name under which the changed fields are recorded; at most 128 characters.",
};
const fieldValidation: QueryParameter = {
  name: "fieldValidation",
  type: "string",
  description: "What to do about unknown and duplicate fields: Ignore, Warn or Strict.",
};
const force: QueryParameter = {
  name: "force",
  type: "boolean",
  description: "Apply patches only: take over fields that other managers own.",
};
const pretty: QueryParameter = {
  name: "pretty",
  type: "string",
  description: "Ignored; answers are compact.",
};
const listQuery: readonly QueryParameter[] = [
  { name: "allowWatchBookmarks", type: "boolean", description: "Send BOOKMARK events." },
  { name: "continue", type: "string", description: "The token of the answer before, for the next page." },
  { name: "fieldSelector", type: "string", description: "Restricts the answer by fields." },
  { name: "labelSelector", type: "string", description: "Restricts the answer by labels." },
  { name: "limit", type: "integer", description: "How many objects one answer may hold." },
  { name: "resourceVersion", type: "string", description: "How fresh the answer must be." },
  { name: "resourceVersionMatch", type: "string", description: "How resourceVersion is meant." },
  { name: "sendInitialEvents", type: "boolean", description: "Watches only: begin with what exists." },
  { name: "timeoutSeconds", type: "integer", description: "How long a list or watch may last." },
  { name: "watch", type: "boolean", description: "Send changes instead of a list." },
];
const deleteQuery: readonly QueryParameter[] = [
  dryRun,
  { name: "gracePeriodSeconds", type: "integer", description: "How long the object gets to end by itself." },
  { name: "orphanDependents", type: "boolean", description: "Deprecated; use propagationPolicy." },
  { name: "propagationPolicy", type: "string", description: "Orphan, Background or Foreground." },
];
const writeQuery = [dryRun, fieldManager, fieldValidation, pretty];
const patchQuery = [...writeQuery, force];

/** Everything that a kind is served with. */
export function operations(served: ServedAs): readonly Operation[] {
  const { kind } = served;
  const root = `${served.group === "" ? "/api" : `/apis/${served.group}`}/${served.version}`;
  const collection = kind.namespaced
    ? `${root}/namespaces/{namespace}/${kind.plural}`
    : `${root}/${kind.plural}`;
  const can = (verb: Verb) => kind.verbs === undefined || kind.verbs.includes(verb);
  const make = maker(served);
  const single = `${collection}/{name}`;
  const out: Operation[] = [];
  if (can("list")) out.push(make(collection, "get", { action: "list", answer: "list", query: listQuery }));
  if (can("create"))
    out.push(make(collection, "post", { action: "post", takesBody: true, query: writeQuery }));
  if (can("deletecollection"))
    out.push(
      make(collection, "delete", {
        action: "deletecollection",
        answer: "status",
        query: [...listQuery, ...deleteQuery],
      }),
    );
  if (can("get")) out.push(make(single, "get", { action: "get", query: [pretty] }));
  if (can("update")) out.push(make(single, "put", { action: "put", takesBody: true, query: writeQuery }));
  if (can("patch")) out.push(make(single, "patch", { action: "patch", takesBody: true, query: patchQuery }));
  if (can("delete"))
    out.push(make(single, "delete", { action: "delete", answer: "status", query: deleteQuery }));
  if (kind.namespaced && can("list"))
    out.push(
      make(`${root}/${kind.plural}`, "get", {
        action: "list",
        answer: "list",
        query: listQuery,
        suffix: "ForAllNamespaces",
      }),
    );
  return [...out, ...subresourceOperations(served, single)];
}

function subresourceOperations(served: ServedAs, single: string): readonly Operation[] {
  const { status, scale, parts = {} } = served.kind.subresources;
  const out: Operation[] = [];
  const add = (name: string, gvk?: Operation["gvk"]) => {
    const make = maker(served, gvk);
    const path = `${single}/${name}`;
    const suffix = capital(name);
    out.push(make(path, "get", { action: "get", query: [pretty], suffix }));
    out.push(make(path, "put", { action: "put", takesBody: true, query: writeQuery, suffix }));
    out.push(make(path, "patch", { action: "patch", takesBody: true, query: patchQuery, suffix }));
  };
  if (status === true) add("status");
  for (const name of Object.keys(parts)) add(name);
  if (scale !== undefined) add("scale", { group: "autoscaling", version: "v1", kind: "Scale" });
  return out;
}

interface Shape {
  readonly action: string;
  readonly answer?: Operation["answer"];
  readonly takesBody?: boolean;
  readonly query: readonly QueryParameter[];
  readonly suffix?: string;
}

const idVerbs: Readonly<Record<string, string>> = {
  get: "read",
  list: "list",
  post: "create",
  put: "replace",
  patch: "patch",
  delete: "delete",
  deletecollection: "deleteCollection",
};
const said: Readonly<Record<string, string>> = {
  get: "read the specified",
  list: "list or watch objects of kind",
  post: "create a",
  put: "replace the specified",
  patch: "partially update the specified",
  delete: "delete a",
  deletecollection: "delete collection of",
};

function maker(served: ServedAs, about?: Operation["gvk"]) {
  const { kind, group, version } = served;
  const groupWord = group === "" ? "Core" : capital(group.split(".")[0] ?? "");
  return (path: string, method: Operation["method"], shape: Shape): Operation => ({
    path,
    method,
    id: [
      idVerbs[shape.action],
      groupWord,
      capital(version),
      shape.action === "deletecollection" ? "Collection" : "",
      path.includes("{namespace}") ? "Namespaced" : "",
      kind.kind,
      shape.suffix ?? "",
    ].join(""),
    description: `${said[shape.action]} ${kind.kind}`,
    action: shape.action,
    gvk: about ?? { group, version, kind: kind.kind },
    answer: shape.answer ?? "object",
    takesBody: shape.takesBody ?? false,
    query: shape.query,
    pathParameters: [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? ""),
  });
}

const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);

export const patchTypes = [
  "application/apply-patch+yaml",
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
] as const;
