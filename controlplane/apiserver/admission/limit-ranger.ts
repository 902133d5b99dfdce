import type { LimitRange, PersistentVolumeClaim, Pod } from "../../../client/types.ts";
import type { Kind } from "../registry/kind.ts";
import { type Admission, type Attributes, type Plugin, refusal, where } from "./admission.ts";
import { claimViolations, podViolations, setDefaultResources } from "./limit-range-rules.ts";
import { sizedPod } from "./new-pod.ts";
import { type LookupDeps, storedObjects } from "./stored-lookup.ts";

/** Kubernetes' LimitRanger: gives new pods' containers the requests and limits that the ranges of their namespace say, and
 *  refuses pods (new and resized) and claims outside the ranges. */
export function limitRanger(deps: LookupDeps): Plugin {
  return {
    mutate: eachLimit(deps, (limits, attributes) => {
      const pod = sizedPod(attributes);
      if (pod !== undefined) setDefaultResources(pod, limits);
    }),
    validate: eachLimit(deps, (limits, attributes) => refuse(attributes, violations(limits, attributes))),
  };
}

type Limits = NonNullable<LimitRange["spec"]["limits"]>;

function eachLimit(deps: LookupDeps, look: (limits: Limits, attributes: Attributes) => void): Admission {
  return where(isAsked, async (attributes) => {
    const { namespace = "" } = (attributes.object ?? attributes.old).metadata;
    for (const { spec } of await rangesOf(deps, namespace)) look(spec.limits ?? [], attributes);
  });
}

function isAsked(attributes: Attributes): boolean {
  const { kind, object, old, by } = attributes;
  if (object === undefined || old?.metadata.deletionTimestamp !== undefined) return false;
  return sizedPod(attributes) !== undefined || (isClaim(kind) && by.subresource === "");
}

const isClaim = ({ group, kind }: Kind) => group === "" && kind === "PersistentVolumeClaim";

async function rangesOf(deps: LookupDeps, namespace: string): Promise<readonly LimitRange[]> {
  const address = { group: "", plural: "limitranges" };
  const kind = deps.kinds.named(address.group, address.plural)?.kind;
  // Asked for with every pod: from the cache, which is loaded once.
  if (kind !== undefined && deps.hub.peek(kind) === undefined) await deps.hub.cache(kind);
  return (await storedObjects(deps, { ...address, namespace })) as readonly LimitRange[];
}

function violations(limits: Limits, attributes: Attributes): readonly string[] {
  return isClaim(attributes.kind)
    ? claimViolations(attributes.object as PersistentVolumeClaim, limits)
    : podViolations(attributes.object as Pod, limits);
}

/** Each thing once, in brackets where there are several, as Kubernetes joins errors. */
function refuse(attributes: Attributes, found: readonly string[]): void {
  const texts = [...new Set(found)];
  if (texts.length === 0) return;
  const text = texts.length === 1 ? (texts[0] ?? "") : `[${texts.join(", ")}]`;
  throw refusal(attributes, text);
}
