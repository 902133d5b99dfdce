import { apiVersionOf, schema, typeOf } from "../schema/load.ts";
import type { Gvk } from "./operation.ts";

/** The model of a kind, undefined if the schema has none. */
export function modelOf(
  served: { readonly group: string; readonly version: string },
  kind: string,
): string | undefined {
  const { kinds } = schema();
  return kinds[`${apiVersionOf(served)}/${kind}`] ?? kinds[`*/${kind}`];
}

/** `io.k8s.api.core.v1.Pod` for the model V1Pod. */
export function definitionName(model: string): string {
  const type = typeOf(model);
  if (type === undefined) throw new RangeError(`no model ${model}`);
  return `${type.p.replace(/^k8s\.io\./, "io.k8s.").replaceAll("_", "-")}.${type.k}`;
}

/** The name of a built-in kind's definition, or that of its list. Throws RangeError for others. */
export function nameOf(gvk: Gvk, suffix: "" | "List" = ""): string {
  const model = modelOf(gvk, gvk.kind + suffix);
  if (model === undefined) throw new RangeError(`no model of ${apiVersionOf(gvk)} ${gvk.kind}${suffix}`);
  return definitionName(model);
}

let models: { readonly of: string; readonly byName: ReadonlyMap<string, string> } | undefined;

/** The model that a definition stands for, undefined for what is no message. */
export function modelNamed(name: string): string | undefined {
  const { hash, types } = schema();
  if (models?.of !== hash)
    models = { of: hash, byName: new Map(Object.keys(types).map((model) => [definitionName(model), model])) };
  return models.byName.get(name);
}
