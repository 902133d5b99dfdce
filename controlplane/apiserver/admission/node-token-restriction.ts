import type { KubeObject, Pod, PodSpec } from "../../../client/types.ts";
import { notFound } from "../api-error.ts";
import type { Authorizer } from "../filters/authorizer.ts";
import { nodeIdentity } from "../filters/service-account-user.ts";
import { objectOf, stringOf, stringsOf } from "../json.ts";
import { decodeStored, namedKey } from "../registry/stored-object.ts";
import { type Admission, admittedName, refusal } from "./admission.ts";
import { podAsksFor } from "./asked-audiences.ts";
import type { LookupDeps } from "./stored-lookup.ts";

/** Kubernetes' NodeRestriction for `serviceaccounts/token`: a node's agent gets tokens for the pods that run on it, bound
 *  to the pod, and for an audience that the pod names. */
export function nodeTokenRestriction(deps: LookupDeps & { readonly authorizer: Authorizer }): Admission {
  return async (attributes) => {
    const { kind, operation, object, by } = attributes;
    const node = nodeIdentity(by.user);
    const isToken = kind.group === "" && kind.plural === "serviceaccounts" && by.subresource === "token";
    if (node === undefined || operation !== "create" || !isToken) return;
    const { namespace = "" } = object.metadata;
    const name = admittedName(attributes);
    const refuse = (why: string) => refusal(attributes, why);
    const spec = objectOf(object.spec);
    const reference = objectOf(spec.boundObjectRef);
    const podName = stringOf(reference.name);
    if (reference.apiVersion !== "v1" || reference.kind !== "Pod" || podName === "")
      throw refuse("node requested token not bound to a pod");
    const uid = stringOf(reference.uid);
    if (uid === "") throw refuse("node requested token with a pod binding without a uid");
    const pod = await podNow(deps, namespace, podName);
    if (pod === undefined) throw notFound({ group: "", plural: "pod" }, podName);
    if (pod.metadata.uid !== uid)
      throw refuse(
        `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
      );
    const podSpec = pod.spec as PodSpec;
    if (podSpec.nodeName !== node)
      throw refuse("node requested token bound to a pod scheduled on a different node");
    const [audience = "", ...more] = stringsOf(spec.audiences);
    if (more.length > 0) throw refuse("node may only request 0 or 1 audiences");
    const { asks, problems } = await podAsksFor(deps, pod as Pod, audience);
    if (asks) return;
    const quoted = JSON.stringify(audience);
    if (problems.length > 0) throw refuse(`error validating audience ${quoted}: ${aggregated(problems)}`);
    const wanted = { group: "", plural: audience, subresource: "", namespace, name };
    const verb = "request-serviceaccounts-token-audience";
    if ((await deps.authorizer(by.user, { verb, ...wanted })).allowed) return;
    throw refuse(
      `audience ${quoted} not found in pod spec volume, ${by.user.name} is not authorized to request tokens for this audience`,
    );
  };
}

/** From the store: the node asks as soon as the pod is bound, which the cache may not have seen. */
async function podNow(
  { kinds, storage }: LookupDeps,
  namespace: string,
  name: string,
): Promise<KubeObject | undefined> {
  const kind = kinds.named("", "pods")?.kind;
  const key = kind && namedKey(kind, namespace, name);
  if (kind === undefined || key === undefined) return undefined;
  const { entry } = await storage.get(key);
  return entry && decodeStored(kind, entry.value, entry.modRevision);
}

/** As Go shows several errors as one. */
function aggregated(problems: readonly string[]): string {
  const [first = "", ...more] = new Set(problems);
  return more.length === 0 ? first : `[${[first, ...more].join(", ")}]`;
}
