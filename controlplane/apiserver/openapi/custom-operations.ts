import { type CustomServed, customName } from "./custom-definitions.ts";
import { metaNames, pathParameters, pathsOf } from "./kind-operations.ts";
import {
  type Answer,
  capital,
  type Method,
  type Operation,
  operationId,
  type Parameter,
  tagOf,
  withArticle,
} from "./operation.ts";
import type { Parameters } from "./parameters.ts";

/** What a custom kind is served with, as Kubernetes' builder of custom resources' documents tells it: no watches of old, no
 *  protobuf, and no strategic merge. */
export function customOperations(served: CustomServed, parameters: Parameters): readonly Operation[] {
  const { kind, custom } = served;
  const { root, collection } = pathsOf(served);
  const make = maker(served, parameters);
  const object = customName(served, kind.kind);
  const list: Shape = { ...lists, of: customName(served, custom.listKind) };
  const single = `${collection}/{name}`;
  const change = (path: string, of: string) => [
    make(path, { ...reads, of }),
    make(path, { ...replaces, of, body: of }),
    make(path, { ...patches, of }),
  ];
  return [
    ...(kind.namespaced ? [make(`${root}/${kind.plural}`, { ...list, isEverywhere: true })] : []),
    make(collection, list),
    make(collection, { ...creates, of: object, body: object }),
    make(collection, deletesAll),
    ...change(single, object),
    make(single, deletes),
    ...(custom.hasStatus ? change(`${single}/status`, object) : []),
    ...(custom.hasScale ? change(`${single}/scale`, scale) : []),
  ];
}

const scale = "io.k8s.api.autoscaling.v1.Scale";
const jsonTypes = ["application/json", "application/yaml"];
const patchTypes = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/apply-patch+yaml",
];

interface Shape {
  readonly method: Method;
  readonly action: string;
  readonly verb: string;
  readonly says: (kind: string, sub: string) => string;
  readonly query: (parameters: Parameters) => readonly Parameter[];
  readonly body?: string;
  readonly of: string;
  readonly codes: readonly Answer["code"][];
  readonly isEverywhere?: true;
}

type Common = Omit<Shape, "of">;

const lists: Common = {
  method: "get",
  action: "list",
  verb: "list",
  says: (kind) => `list objects of kind ${kind}`,
  query: (parameters) => parameters.list,
  codes: [200],
};
const creates: Common = {
  method: "post",
  action: "post",
  verb: "create",
  says: (kind) => `create ${withArticle(kind)}`,
  query: (parameters) => parameters.write,
  codes: [200, 201, 202],
};
const deletesAll: Shape = {
  method: "delete",
  action: "deletecollection",
  verb: "deletecollection",
  says: (kind) => `delete collection of ${kind}`,
  query: (parameters) => parameters.list,
  of: metaNames.status,
  codes: [200],
};
const reads: Common = {
  method: "get",
  action: "get",
  verb: "read",
  says: (kind, sub) => `read${sub} the specified ${kind}`,
  query: (parameters) => [parameters.resourceVersion],
  codes: [200],
};
const replaces: Common = {
  method: "put",
  action: "put",
  verb: "replace",
  says: (kind, sub) => `replace${sub} the specified ${kind}`,
  query: (parameters) => parameters.write,
  codes: [200, 201],
};
const patches: Common = {
  method: "patch",
  action: "patch",
  verb: "patch",
  says: (kind, sub) => `partially update${sub} the specified ${kind}`,
  query: (parameters) => parameters.patch,
  codes: [200],
};
const deletes: Shape = {
  method: "delete",
  action: "delete",
  verb: "delete",
  says: (kind) => `delete ${withArticle(kind)}`,
  query: (parameters) => parameters.delete,
  body: metaNames.options,
  of: metaNames.status,
  codes: [200, 202],
};

function maker({ kind, group, version }: CustomServed, parameters: Parameters) {
  return (path: string, shape: Shape): Operation => {
    const sub = /\{name\}\/(\w+)$/.exec(path)?.[1];
    const named = kind.namespaced && shape.isEverywhere !== true ? "Namespaced" : "";
    const isCollection = shape.action === "deletecollection";
    const rest = `${isCollection ? "Collection" : ""}${named}${kind.kind}${capital(sub ?? "")}`;
    const isPatch = shape.method === "patch";
    const body = isPatch ? metaNames.patch : shape.body;
    return {
      path,
      method: shape.method,
      id: operationId(
        isCollection ? "delete" : shape.verb,
        rest + (shape.isEverywhere === true ? "ForAllNamespaces" : ""),
        group,
        version,
      ),
      tag: tagOf(group, version),
      description: shape.says(kind.kind, sub === undefined ? "" : ` ${sub} of`),
      action: shape.action,
      gvk: { group, version, kind: kind.kind },
      parameters: [
        parameters.pretty,
        ...shape.query(parameters),
        ...pathParameters(path, kind.kind, parameters),
      ],
      ...(body !== undefined && { body: { of: body, required: body !== metaNames.options } }),
      consumes: isPatch ? patchTypes : jsonTypes,
      produces: jsonTypes,
      answers: shape.codes.map((code) => ({ code, of: shape.of })),
    };
  };
}
