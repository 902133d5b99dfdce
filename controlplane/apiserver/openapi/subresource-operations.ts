import { servedSpecials, specialRow } from "../discovery/resource-lists.ts";
import { maker, mediaTypes, pathParameters, pathsOf, shapes } from "./kind-operations.ts";
import {
  capital,
  type Gvk,
  type Method,
  type Operation,
  operationId,
  type ServedAs,
  tagOf,
  text,
} from "./operation.ts";
import type { Parameters } from "./parameters.ts";

/** What is below the objects of a built-in kind: status, scale, parts, and what other handlers serve. */
export function subresourceOperations(served: ServedAs, parameters: Parameters): readonly Operation[] {
  const { status, scale, parts = {} } = served.kind.subresources;
  const path = `${pathsOf(served).collection}/{name}`;
  const changed = [...(status === true ? ["status"] : []), ...Object.keys(parts)];
  const change = (sub: string, about?: Gvk) => {
    const make = maker(served, parameters, { sub, ...(about && { about }) });
    return [shapes.get, shapes.put, shapes.patch].map((shape) => make(`${path}/${sub}`, shape));
  };
  return [
    ...changed.flatMap((sub) => change(sub)),
    ...(scale === undefined ? [] : change("scale", { group: "autoscaling", version: "v1", kind: "Scale" })),
    ...servedSpecials(served.kind).flatMap((sub) => special(served, sub, parameters)),
  ];
}

/** POST …/bindings of the core group, which binds a pod by the name in the body. */
export function bindingOperation(pods: ServedAs, parameters: Parameters): Operation {
  const bindings = { ...pods, kind: { ...pods.kind, kind: "Binding", plural: "bindings" } };
  return maker(bindings, parameters)(pathsOf(bindings).collection, shapes.post);
}

function special(served: ServedAs, sub: string, parameters: Parameters): readonly Operation[] {
  const row = specialRow(served.kind, sub);
  if (row === undefined) return [];
  const { verbs, ...about } = row;
  const path = `${pathsOf(served).collection}/{name}/${sub}`;
  if (about.kind.endsWith("Options")) return connections(served, { sub, about }, parameters);
  const make = maker(served, parameters, { sub, about });
  if (sub === "log") {
    const read = make(path, shapes.get);
    return [
      {
        ...read,
        parameters: [...read.parameters, ...parameters.options("PodLogOptions")],
        produces: ["text/plain", ...mediaTypes],
        answers: [{ code: 200, of: text }],
      },
    ];
  }
  return verbs.map((verb) => make(path, verb === "create" ? shapes.post : shapes.put));
}

/** Streams and proxies: whatever the method, it goes on to somebody else. */
function connections(
  served: ServedAs,
  { sub, about }: { readonly sub: string; readonly about: Gvk },
  parameters: Parameters,
): readonly Operation[] {
  const { kind, group, version } = served;
  const path = `${pathsOf(served).collection}/{name}/${sub}`;
  const isProxy = sub === "proxy";
  const methods: readonly Method[] = isProxy ? allMethods : ["get", "post"];
  const paths = isProxy ? [path, `${path}/{path}`] : [path];
  return paths.flatMap((at) =>
    methods.map((method): Operation => {
      const named = `${kind.namespaced ? "Namespaced" : ""}${kind.kind}${capital(sub)}`;
      const rest = `${capital(method)}${named}${at === path ? "" : "WithPath"}`;
      return {
        path: at,
        method,
        id: operationId("connect", rest, group, version),
        tag: tagOf(group, version),
        description: `connect ${method.toUpperCase()} requests to ${sub} of ${kind.kind}`,
        action: "connect",
        gvk: about,
        parameters: [...parameters.options(about.kind), ...pathParameters(at, about.kind, parameters)],
        consumes: ["*/*"],
        produces: ["*/*"],
        answers: [{ code: 200, of: text }],
      };
    }),
  );
}

const allMethods: readonly Method[] = ["get", "put", "post", "delete", "options", "head", "patch"];
