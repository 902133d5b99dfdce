import { kubernetesVersion } from "../../../client/version.ts";
import { dropSchemaDocs, schemaDocs } from "../schema/load.ts";
import { definitions, modelOf, reference, v2 } from "./definitions.ts";
import { encodeGnostic } from "./gnostic.ts";
import { rootModels, tagOf } from "./openapi-v3.ts";
import { type Operation, operations, patchTypes, type ServedAs } from "./paths.ts";

/** A Swagger 2.0 document; no more than what this folder writes into one. */
export interface SwaggerDocument {
  readonly swagger: "2.0";
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly definitions: Readonly<Record<string, object>>;
}

/** All that is served in one document, as GET /openapi/v2 answers it in JSON. */
export function openapiV2Json(served: readonly ServedAs[]): string {
  return JSON.stringify(openapiV2(served));
}

/** The same in gnostic's protobuf form, which client-go's discovery asks for. */
export function openapiV2Protobuf(served: readonly ServedAs[]): Uint8Array {
  return encodeGnostic(openapiV2(served));
}

function openapiV2(served: readonly ServedAs[]): SwaggerDocument {
  const all = served.flatMap(operations);
  const document: SwaggerDocument = {
    swagger: "2.0",
    info: { title: "Kubernetes", version: kubernetesVersion.gitVersion },
    paths: pathItems(all),
    definitions: definitions(rootModels(served, all), v2, schemaDocs()),
  };
  dropSchemaDocs();
  return document;
}

function pathItems(all: readonly Operation[]): Record<string, Record<string, unknown>> {
  const out = new Map<string, Record<string, unknown>>();
  for (const operation of all) {
    const item = out.get(operation.path) ?? { parameters: operation.pathParameters.map(pathParameter) };
    item[operation.method] = operationObject(operation);
    out.set(operation.path, item);
  }
  return Object.fromEntries(out);
}

function pathParameter(name: string): object {
  return { name, in: "path", required: true, type: "string", uniqueItems: true };
}

function operationObject(operation: Operation): object {
  const { gvk, answer, method } = operation;
  const model = modelOf(gvk, gvk.kind);
  const answered =
    answer === "status" ? "V1Status" : answer === "list" ? modelOf(gvk, `${gvk.kind}List`) : model;
  return {
    tags: [tagOf(gvk)],
    description: operation.description,
    operationId: operation.id,
    consumes: method === "patch" ? [...patchTypes] : ["*/*"],
    produces: ["application/json", "application/yaml"],
    parameters: [...bodyParameter(operation, model), ...operation.query.map(queryParameter)],
    responses: {
      "200": { description: "OK", ...(answered !== undefined && { schema: reference(answered, v2) }) },
      "401": { description: "Unauthorized" },
    },
    "x-kubernetes-action": operation.action,
    "x-kubernetes-group-version-kind": gvk,
  };
}

function bodyParameter({ method, takesBody }: Operation, model: string | undefined): readonly object[] {
  if (method === "patch") return [{ name: "body", in: "body", required: true, schema: { type: "object" } }];
  if (method === "delete") return [{ name: "body", in: "body", schema: reference("V1DeleteOptions", v2) }];
  if (!takesBody || model === undefined) return [];
  return [{ name: "body", in: "body", required: true, schema: reference(model, v2) }];
}

function queryParameter({ name, type, description }: Operation["query"][number]): object {
  return { name, in: "query", description, type, uniqueItems: true };
}
