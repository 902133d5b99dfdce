import {
  claimNameOf,
  isFullyReserved,
  isReservedFor,
  type PodClaim,
} from "../../../client/rules/resource-claims.ts";
import type { Draft, Pod, ResourceClaim, ResourceClaimTemplate } from "../../../client/types.ts";
import { controllerReference, isControlledBy } from "../owners.ts";
import { generatedClaim, isPodDone, podClaimAnnotation } from "./pod-claims.ts";

/** What a pod's claims lack. Pure. */

export interface PodClaimsSeen {
  readonly pod: Pod;
  readonly claim: (name: string) => ResourceClaim | undefined;
  readonly template: (name: string) => ResourceClaimTemplate | undefined;
  /** Claims that the pod owns. */
  readonly owned: readonly ResourceClaim[];
}

export type PodClaimStep =
  /** Made already: only the pod's status must say so. */
  | { readonly step: "note"; readonly podClaim: string; readonly claimName: string }
  | { readonly step: "create"; readonly podClaim: string; readonly draft: Draft<ResourceClaim> }
  | { readonly step: "fail"; readonly podClaim: string; readonly why: string };

export function planPodClaims(seen: PodClaimsSeen): readonly PodClaimStep[] {
  const { pod } = seen;
  if (pod.metadata.deletionTimestamp !== undefined || isPodDone(pod)) return [];
  return (pod.spec.resourceClaims ?? []).flatMap((claim) => planPodClaim(claim, seen) ?? []);
}

function planPodClaim(podClaim: PodClaim, seen: PodClaimsSeen): PodClaimStep | undefined {
  const { pod, claim, template, owned } = seen;
  const { name, resourceClaimTemplateName } = podClaim;
  const known = claimNameOf(pod, podClaim);
  if (known.kind === "unneeded" || resourceClaimTemplateName === undefined) return undefined;
  if (known.kind === "named") {
    const found = claim(known.name);
    if (found !== undefined && isControlledBy(found, pod)) return undefined;
  }
  const made = generatedClaim(pod, podClaim, owned);
  if (made !== undefined) return { step: "note", podClaim: name, claimName: made.metadata.name };
  const from = template(resourceClaimTemplateName);
  if (from === undefined) {
    const shown = JSON.stringify(resourceClaimTemplateName);
    const why = `resource claim template ${shown}: resourceclaimtemplate.resource.k8s.io ${shown} not found`;
    return { step: "fail", podClaim: name, why };
  }
  return { step: "create", podClaim: name, draft: draftOf(pod, podClaim, from) };
}

/** Hyphen and five letters follow, in a name of 63. */
const baseCharsMax = 57;

function draftOf(pod: Pod, { name }: PodClaim, { spec }: ResourceClaimTemplate): Draft<ResourceClaim> {
  const { metadata = {} } = spec;
  const { uid, namespace } = pod.metadata;
  const { blockOwnerDeletion: _, ...reference } = controllerReference({
    ...pod,
    apiVersion: "v1",
    kind: "Pod",
  });
  return {
    metadata: {
      ...(namespace !== undefined && { namespace }),
      generateName: baseName(pod.metadata.name, name),
      ownerReferences: [{ ...reference, uid }],
      annotations: { ...metadata.annotations, [podClaimAnnotation]: name },
      ...(metadata.labels !== undefined && { labels: metadata.labels }),
    },
    spec: spec.spec,
  };
}

/** Of both names as much as there is room for, in proportion. */
function baseName(pod: string, claim: string): string {
  const whole = `${pod}-${claim}-`;
  if (whole.length <= baseCharsMax) return whole;
  const part = (text: string) => text.slice(0, Math.floor((text.length * baseCharsMax) / whole.length));
  return `${part(pod)}-${part(claim)}`;
}

/** Claims of a pod on a node that are allocated, and not reserved for it, but can be: somebody set its node without asking for
 *  them. */
export function unreserved({ pod, claim }: Pick<PodClaimsSeen, "pod" | "claim">): readonly ResourceClaim[] {
  if (!pod.spec.nodeName || pod.metadata.deletionTimestamp !== undefined || isPodDone(pod)) return [];
  return (pod.spec.resourceClaims ?? []).flatMap((podClaim) => {
    const known = claimNameOf(pod, podClaim);
    const found = known.kind === "named" ? claim(known.name) : undefined;
    if (found === undefined || known.kind !== "named") return [];
    if (known.isGenerated && !isControlledBy(found, pod)) return [];
    if (isReservedFor(found, pod) || isFullyReserved(found)) return [];
    if (found.metadata.deletionTimestamp !== undefined) return [];
    return found.status?.allocation === undefined ? [] : [found];
  });
}
