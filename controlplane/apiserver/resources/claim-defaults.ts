import type { StatefulSet } from "../../../client/types.ts";

type ClaimTemplate = NonNullable<StatefulSet["spec"]["volumeClaimTemplates"]>[number];

/** What Kubernetes' defaulting sets in the template of a claim, which looks like a claim. */
export function defaultClaimTemplate(claim: ClaimTemplate): void {
  claim.kind ??= "PersistentVolumeClaim";
  claim.apiVersion ??= "v1";
  claim.metadata ??= {};
  claim.spec ??= {};
  claim.spec.resources ??= {};
  claim.spec.volumeMode ??= "Filesystem";
  claim.status ??= {};
  claim.status.phase ??= "Pending";
}
