import { createHash } from "node:crypto";
import { kubernetesVersion } from "../../../client/version.ts";
import { apiVersionOf, dropSchemaDocs, schema, schemaDocs } from "../schema/load.ts";
import { customDefinitions, customRoots, customText } from "./custom-definitions.ts";
import { definitions, modelOf, reference, v3 } from "./definitions.ts";
import { type Operation, operations, patchTypes, type ServedAs } from "./paths.ts";

/** Raise when what this folder writes changes, so that clients fetch anew. */
const formVersion = 1;

/** `api/v1`, `apis/apps/v1`, … of all that is served. */
export function groupVersionPaths(served: readonly ServedAs[]): readonly string[] {
  return [...new Set(served.map(pathOf))];
}

const pathOf = (served: { readonly group: string; readonly version: string }) =>
  `${served.group === "" ? "api" : "apis"}/${apiVersionOf(served)}`;

/** The body of GET /openapi/v3: where the documents are, each under a name of its content. */
export function openapiV3Index(served: readonly ServedAs[]): { readonly paths: object } {
  const paths = groupVersionPaths(served).map((path) => {
    const hash = createHash("sha256")
      .update(
        `${formVersion} ${path} ${schema().hash} ${customText(served.filter((one) => pathOf(one) === path))}`,
      )
      .digest("hex")
      .toUpperCase();
    return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }];
  });
  return { paths: Object.fromEntries(paths) };
}

/** The document of one group and version (`apis/apps/v1`) as JSON text. Throws RangeError if none is served there. */
export function openapiV3Document(all: readonly ServedAs[], groupVersion: string): string {
  const served = all.filter((one) => pathOf(one) === groupVersion);
  if (served.length === 0) throw new RangeError(`${groupVersion} is not served`);
  const operated = served.flatMap(operations);
  const document = {
    openapi: "3.0.0",
    info: { title: "Kubernetes", version: kubernetesVersion.gitVersion },
    paths: pathItems(operated),
    components: {
      schemas: {
        ...definitions(rootModels(served, operated), v3, schemaDocs()),
        ...customDefinitions(served, v3),
      },
    },
  };
  const text = JSON.stringify(document);
  dropSchemaDocs();
  return text;
}

/** The models that operations speak of, their lists included. */
export function rootModels(served: readonly ServedAs[], all: readonly Operation[]): readonly string[] {
  const names = new Set<string | undefined>(["V1DeleteOptions", "V1Status"]);
  for (const { kind, group, version, schema } of served) {
    names.add(modelOf({ group, version }, kind.kind));
    names.add(modelOf({ group, version }, `${kind.kind}List`));
    for (const special of kind.subresources.special ?? []) names.add(specialModels[special]);
    if (schema?.openApi !== undefined) for (const model of customRoots) names.add(model);
  }
  for (const { gvk } of all) names.add(modelOf(gvk, gvk.kind));
  return [...names].filter((name) => name !== undefined);
}

const specialModels: Readonly<Record<string, string>> = { binding: "V1Binding", eviction: "V1Eviction" };

function pathItems(all: readonly Operation[]): Record<string, object> {
  const out = new Map<string, Record<string, unknown>>();
  for (const operation of all) {
    const item = out.get(operation.path) ?? { parameters: operation.pathParameters.map(pathParameter) };
    item[operation.method] = operationObject(operation);
    out.set(operation.path, item);
  }
  return Object.fromEntries(out);
}

function pathParameter(name: string): object {
  return { name, in: "path", required: true, schema: { type: "string", uniqueItems: true } };
}

function operationObject(operation: Operation): object {
  const { gvk, answer } = operation;
  const model = modelOf(gvk, gvk.kind);
  const answered =
    answer === "status" ? "V1Status" : answer === "list" ? modelOf(gvk, `${gvk.kind}List`) : model;
  const body = bodyContent(operation, model);
  return {
    tags: [tagOf(gvk)],
    description: operation.description,
    operationId: operation.id,
    parameters: operation.query.map(({ name, type, description }) => ({
      name,
      in: "query",
      description,
      schema: { type, uniqueItems: true },
    })),
    ...(body !== undefined && { requestBody: { content: body, required: true } }),
    responses: {
      "200": { description: "OK", content: contentOf(["application/json", "application/yaml"], answered) },
      "401": { description: "Unauthorized" },
    },
    "x-kubernetes-action": operation.action,
    "x-kubernetes-group-version-kind": gvk,
  };
}

function bodyContent({ method, takesBody }: Operation, model: string | undefined): object | undefined {
  if (method === "patch") {
    const patch = {
      type: "object",
      description: "Patch is the body of a PATCH request, of any of the patch types.",
    };
    return Object.fromEntries(patchTypes.map((type) => [type, { schema: patch }]));
  }
  if (method === "delete") return contentOf(["*/*"], "V1DeleteOptions");
  return takesBody ? contentOf(["*/*"], model) : undefined;
}

function contentOf(types: readonly string[], model: string | undefined): object {
  const schemaObject = model === undefined ? { type: "object" } : reference(model, v3);
  return Object.fromEntries(types.map((type) => [type, { schema: schemaObject }]));
}

export function tagOf({ group, version }: { readonly group: string; readonly version: string }): string {
  return `${group === "" ? "core" : (group.split(".")[0] ?? "")}_${version}`;
}
