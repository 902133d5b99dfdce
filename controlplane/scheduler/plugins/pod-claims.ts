import { volumeClaims } from "../../../client/rules/volume-claims.ts";
import type { PodInfo } from "../cycle/pod-info.ts";

/** The names of the claims that a pod's volumes use, those made for it alone included. */
export const claimNames = ({ pod }: Pick<PodInfo, "pod">): readonly string[] =>
  volumeClaims(pod).map(({ name }) => name);

/** Whether an event about a claim is about one of the pod's. */
export const isClaimOf = (
  pod: PodInfo,
  claim: { readonly namespace: string; readonly name: string },
): boolean => pod.namespace === claim.namespace && claimNames(pod).includes(claim.name);

/** What an API server's client says where a claim is not there. */
export const claimMissing = (name: string): string =>
  `persistentvolumeclaim ${JSON.stringify(name)} not found`;
