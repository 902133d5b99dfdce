import type { KubeObject, LimitRange, PersistentVolumeClaim, Pod } from "../../../client/types.ts";
import { forbidden } from "../api-error.ts";
import type { Kind } from "../registry/kind.ts";
import type { Admission } from "./admission.ts";
import { claimViolations, podViolations, setDefaultResources } from "./limit-range-rules.ts";
import { sizedPod } from "./new-pod.ts";
import { type LookupDeps, storedObjects } from "./stored-lookup.ts";

/** Kubernetes' LimitRanger: gives new pods' containers the requests and limits that the ranges of their namespace say, and
 *  refuses pods (new and resized) and claims outside the ranges. */
export function limitRanger(deps: LookupDeps): Admission {
  return async (attributes) => {
    const pod = sizedPod(attributes);
    const { kind, operation, object, old, by } = attributes;
    if (pod === undefined && !(isClaim(kind) && operation !== "delete" && by.subresource === "")) return;
    if (object === undefined || old?.metadata.deletionTimestamp !== undefined) return;
    const namespace = object.metadata.namespace ?? "";
    const ranges = await rangesOf(deps, namespace);
    if (pod !== undefined) for (const { spec } of ranges) setDefaultResources(pod, spec.limits ?? []);
    for (const { spec } of ranges) refuse(kind, object, violations(spec.limits ?? [], pod, object));
  };
}

const isClaim = ({ group, kind }: Kind) => group === "" && kind === "PersistentVolumeClaim";

async function rangesOf(deps: LookupDeps, namespace: string): Promise<readonly LimitRange[]> {
  const address = { group: "", plural: "limitranges" };
  const kind = deps.kinds.named(address.group, address.plural)?.kind;
  // Asked for with every pod: from the cache, which is loaded once.
  if (kind !== undefined) await deps.hub.cache(kind);
  return (await storedObjects(deps, { ...address, namespace })) as readonly LimitRange[];
}

function violations(
  limits: NonNullable<LimitRange["spec"]["limits"]>,
  pod: Pod | undefined,
  object: KubeObject,
): readonly string[] {
  return pod === undefined
    ? claimViolations(object as PersistentVolumeClaim, limits)
    : podViolations(pod, limits);
}

/** Each thing once, in brackets where there are several, as Kubernetes joins errors. */
function refuse(kind: Kind, { metadata }: KubeObject, found: readonly string[]): void {
  const texts = [...new Set(found)];
  if (texts.length === 0) return;
  const text = texts.length === 1 ? (texts[0] ?? "") : `[${texts.join(", ")}]`;
  throw forbidden(kind, metadata.name, text);
}
