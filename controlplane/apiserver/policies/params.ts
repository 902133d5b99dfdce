import { matchesLabels, selectorFromLabelSelector } from "../../../base/label-selector.ts";
import type { KubeObject, ParamKind, ParamRef } from "../../../client/types.ts";
import { type LookupDeps, storedObject, storedObjects } from "../admission/stored-lookup.ts";
import type { JsonObject } from "../json.ts";
import type { ServedKind } from "../registry/kind-table.ts";
import { knowing } from "../registry/slow-conversion.ts";

/** A binding that cannot be used as it is. */
export class BindingError extends Error {}

/** Where the kind of a policy's params is served; `undefined` where the policy has none. Fails with BindingError. */
export function servedParams({ kinds }: LookupDeps, kind: ParamKind | undefined): ServedKind | undefined {
  if (kind === undefined) return undefined;
  const { apiVersion = "", kind: name = "" } = kind;
  const served = kinds.byKind(apiVersion, name);
  if (served !== undefined) return served;
  const shown = `${apiVersion.includes("/") ? "" : "/"}${apiVersion}, Kind=${name}`;
  throw new BindingError(`failed to find resource referenced by paramKind: '${shown}'`);
}

/** The objects that a binding hands to its policy, one evaluation each; `undefined` where it hands none over.
 *  Fails with BindingError. (Kubernetes' CollectParams, in its words.) */
export async function paramsOf(
  deps: LookupDeps,
  served: ServedKind | undefined,
  ref: ParamRef | undefined,
  requestNamespace: string,
): Promise<readonly (JsonObject | undefined)[]> {
  if (served === undefined || ref === undefined) return [undefined];
  const namespace = namespaceOf(served, ref, requestNamespace);
  const found = await select(deps, served, ref, namespace);
  if (found.length === 0 && ref.parameterNotFoundAction === "Deny")
    throw new BindingError("no params found for policy binding with `Deny` parameterNotFoundAction");
  const { convert } = await knowing(served, found);
  return found.map((object) => ({
    ...(convert?.toServed(object) ?? object),
    apiVersion: served.apiVersion,
    kind: served.kind.kind,
  }));
}

function namespaceOf({ kind }: ServedKind, ref: ParamRef, requestNamespace: string): string {
  if (!kind.namespaced) {
    if (ref.namespace)
      throw new BindingError("paramRef.namespace must not be provided for a cluster-scoped `paramKind`");
    return "";
  }
  const namespace = ref.namespace || requestNamespace;
  if (namespace === "")
    throw new BindingError(
      "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources",
    );
  return namespace;
}

async function select(
  deps: LookupDeps,
  { kind, plural }: ServedKind,
  { name, selector }: ParamRef,
  namespace: string,
): Promise<readonly KubeObject[]> {
  const { group } = kind;
  if (name) {
    const found = await storedObject(deps, { group, plural, namespace, name });
    return found === undefined ? [] : [found];
  }
  const wanted = selectorFromLabelSelector(selector);
  const all = await storedObjects(deps, { group, plural, namespace });
  return all.filter(({ metadata }) => matchesLabels(wanted, metadata.labels));
}
