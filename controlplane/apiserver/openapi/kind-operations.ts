import { supports } from "../registry/kind-table.ts";
import { nameOf } from "./definition-names.ts";
import {
  type Answer,
  capital,
  type Gvk,
  type Method,
  type Operation,
  operationId,
  type Parameter,
  type ServedAs,
  tagOf,
  withArticle,
} from "./operation.ts";
import { type Parameters, pathParameter } from "./parameters.ts";

/** What a built-in kind is served with, as kube-apiserver installs it: the object, its collections, and the watches of old. */
export function kindOperations(served: ServedAs, parameters: Parameters): readonly Operation[] {
  const { kind } = served;
  const { root, collection } = pathsOf(served);
  const make = maker(served, parameters);
  const lists = supports(kind, "list");
  const watches = supports(kind, "watch");
  const out: Operation[] = [];
  const add = (wanted: boolean, path: string, shape: Shape) => {
    if (wanted) out.push(make(path, shape));
  };
  const list = listShape(watches);
  add(lists, collection, list);
  add(supports(kind, "create"), collection, shapes.post);
  add(supports(kind, "deletecollection"), collection, shapes.deletecollection);
  add(lists && watches, `${root}/watch${collection.slice(root.length)}`, shapes.watchlist);
  add(supports(kind, "get"), `${collection}/{name}`, shapes.get);
  add(supports(kind, "update"), `${collection}/{name}`, shapes.put);
  add(supports(kind, "patch"), `${collection}/{name}`, shapes.patch);
  add(supports(kind, "delete"), `${collection}/{name}`, shapes.delete);
  add(watches, `${root}/watch${collection.slice(root.length)}/{name}`, shapes.watch);
  add(lists && kind.namespaced, `${root}/${kind.plural}`, everywhere(list));
  add(lists && watches && kind.namespaced, `${root}/watch/${kind.plural}`, everywhere(shapes.watchlist));
  return out;
}

export function pathsOf({ kind, group, version }: ServedAs): {
  readonly root: string;
  readonly collection: string;
} {
  const root = `${group === "" ? "/api" : `/apis/${group}`}/${version}`;
  return { root, collection: `${root}/${kind.namespaced ? "namespaces/{namespace}/" : ""}${kind.plural}` };
}

/** What is particular to an action, whatever the kind. */
export interface Shape {
  readonly method: Method;
  /** `x-kubernetes-action`. */
  readonly action: string;
  /** The operation id is this, `Namespaced` if so, the kind, and what follows. */
  readonly verb: string;
  readonly suffix?: string;
  /** `SUB of` stands for the subresource, if there is one. */
  readonly says: (kind: string, sub: string) => string;
  readonly query: (parameters: Parameters) => readonly Parameter[];
  readonly body?: "object" | "patch" | "options";
  /** What answers are: the object, a list of them, a status, an event of a watch. */
  readonly of: "object" | "list" | "status" | "event";
  readonly codes: readonly Answer["code"][];
  readonly isEverywhere?: true;
}

const specified = (verb: string) => (kind: string, sub: string) =>
  `${verb} ${sub === "" ? "" : `${sub} of `}the specified ${kind}`;
const some = (verb: string) => (kind: string, sub: string) =>
  sub === "" ? `${verb} ${withArticle(kind)}` : `${verb} ${sub} of ${withArticle(kind)}`;

export const shapes = {
  post: {
    method: "post",
    action: "post",
    verb: "create",
    says: some("create"),
    query: (parameters) => parameters.write,
    body: "object",
    of: "object",
    codes: [200, 201, 202],
  },
  deletecollection: {
    method: "delete",
    action: "deletecollection",
    verb: "deleteCollection",
    says: (kind) => `delete collection of ${kind}`,
    query: (parameters) => [
      ...parameters.delete,
      ...parameters.list.filter(({ name }) => name !== "watch" && name !== "allowWatchBookmarks"),
    ],
    body: "options",
    of: "status",
    codes: [200],
  },
  watchlist: {
    method: "get",
    action: "watchlist",
    verb: "watch",
    suffix: "List",
    says: (kind) =>
      `watch individual changes to a list of ${kind}. deprecated: use the 'watch' parameter with a list operation instead.`,
    query: (parameters) => parameters.list,
    of: "event",
    codes: [200],
  },
  get: {
    method: "get",
    action: "get",
    verb: "read",
    says: specified("read"),
    query: () => [],
    of: "object",
    codes: [200],
  },
  put: {
    method: "put",
    action: "put",
    verb: "replace",
    says: specified("replace"),
    query: (parameters) => parameters.write,
    body: "object",
    of: "object",
    codes: [200, 201],
  },
  patch: {
    method: "patch",
    action: "patch",
    verb: "patch",
    says: specified("partially update"),
    query: (parameters) => parameters.patch,
    body: "patch",
    of: "object",
    codes: [200, 201],
  },
  delete: {
    method: "delete",
    action: "delete",
    verb: "delete",
    says: some("delete"),
    query: (parameters) => parameters.delete,
    body: "options",
    of: "status",
    codes: [200, 202],
  },
  watch: {
    method: "get",
    action: "watch",
    verb: "watch",
    says: (kind) =>
      `watch changes to an object of kind ${kind}. deprecated: use the 'watch' parameter with a list operation instead, filtered to a single item with the 'fieldSelector' parameter.`,
    query: (parameters) => parameters.list,
    of: "event",
    codes: [200],
  },
} as const satisfies Record<string, Shape>;

function listShape(watches: boolean): Shape {
  return {
    method: "get",
    action: "list",
    verb: "list",
    says: (kind) => `${watches ? "list or watch" : "list"} objects of kind ${kind}`,
    query: (parameters) => parameters.list,
    of: "list",
    codes: [200],
  };
}

function everywhere(shape: Shape): Shape {
  return { ...shape, suffix: `${shape.suffix ?? ""}ForAllNamespaces`, isEverywhere: true };
}

/** Builds the operations of a kind; `about`: of a subresource that is an object of its own kind. */
export function maker(
  served: ServedAs,
  parameters: Parameters,
  { sub = "", about }: { readonly sub?: string; readonly about?: Gvk } = {},
): (path: string, shape: Shape) => Operation {
  const { kind, group, version } = served;
  const gvk = about ?? { group, version, kind: kind.kind };
  const object = nameOf(gvk);
  return (path, shape) => {
    const named = kind.namespaced && shape.isEverywhere !== true ? "Namespaced" : "";
    const of = shape.action === "delete" && tellsDeleted(kind) ? "object" : shape.of;
    const answered = of === "object" ? object : of === "list" ? nameOf(gvk, "List") : metaNames[of];
    return {
      path,
      method: shape.method,
      id: operationId(
        shape.verb.replace("Collection", ""),
        `${shape.verb.endsWith("Collection") ? "Collection" : ""}${named}${kind.kind}${capital(sub)}${shape.suffix ?? ""}`,
        group,
        version,
      ),
      tag: tagOf(group, version),
      description: shape.says(kind.kind, sub),
      action: shape.action,
      gvk,
      parameters: [
        parameters.pretty,
        ...shape.query(parameters),
        ...pathParameters(path, gvk.kind, parameters),
      ],
      ...(shape.body !== undefined && { body: bodyOf(shape.body, object) }),
      consumes: shape.body === "patch" ? patchTypes : ["*/*"],
      produces: of === "list" || of === "event" ? watchTypes : mediaTypes,
      answers: shape.codes.map((code) => ({ code, of: answered })),
    };
  };
}

/** A namespace comes back from its deletion too, but Kubernetes' documents say nothing of it. */
function tellsDeleted({ returnsDeleted, kind }: ServedAs["kind"]): boolean {
  return returnsDeleted === true && kind !== "Namespace";
}

export function pathParameters(path: string, kind: string, parameters: Parameters): readonly Parameter[] {
  return [
    ...(path.includes("{namespace}") ? [parameters.namespace] : []),
    ...(path.includes("{name}") ? [pathParameter("name", `name of the ${kind}`)] : []),
    ...(path.includes("{path}") ? [pathParameter("path", "path to the resource")] : []),
  ];
}

export const metaNames = {
  status: "io.k8s.apimachinery.pkg.apis.meta.v1.Status",
  event: "io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent",
  options: "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions",
  patch: "io.k8s.apimachinery.pkg.apis.meta.v1.Patch",
} as const;

function bodyOf(body: NonNullable<Shape["body"]>, object: string): NonNullable<Operation["body"]> {
  if (body === "object") return { of: object, required: true };
  return { of: metaNames[body], required: body === "patch" };
}

export const mediaTypes = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];
const watchTypes = [
  ...mediaTypes,
  "application/json;stream=watch",
  "application/vnd.kubernetes.protobuf;stream=watch",
];
export const patchTypes = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
  "application/apply-patch+yaml",
];
