import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { ResourceClaim } from "../../../client/types.ts";
import { GoForm } from "../schema/go-form.ts";
import { sameValue } from "../schema/same-value.ts";
import { age, ageColumn, column } from "./cell-text.ts";
import { deviceId, resultsOf, validateClaimStatus } from "./device-allocation-validation.ts";
import { applyClaimDefaults, validateClaimSpec } from "./device-claim-validation.ts";
import { invalid } from "./field-errors.ts";
import { keepStatus, wholeMetadata } from "./status.ts";
import { kindOf } from "./typed-kind.ts";

/** What a pod wants of devices. No node here has any: a claim waits until somebody else's scheduler allocates it. */
export const resourceClaims = kindOf<ResourceClaim>({
  group: "resource.k8s.io",
  version: "v1",
  kind: "ResourceClaim",
  plural: "resourceclaims",
  singular: "resourceclaim",
  shortNames: [],
  categories: [],
  namespaced: true,
  returnsDeleted: true,
  subresources: { status: true },
  statusKeeps: wholeMetadata,
  nameRule: dns1123Subdomain,
  applyDefaults(claim) {
    applyClaimDefaults(claim.spec);
    claim.status ??= {};
  },
  prepareForCreate(claim) {
    claim.status = {};
  },
  prepareForUpdate: keepStatus,
  prepareForStatus(next, current) {
    const gone = new Set(resultsOf(current).map(deviceId));
    for (const result of resultsOf(next)) gone.delete(deviceId(result));
    const devices = next.status?.devices?.filter((device) => !gone.has(deviceId(device)));
    if (next.status === undefined || devices === undefined) return;
    if (devices.length > 0) next.status.devices = devices;
    else delete next.status.devices;
  },
  validate: () => [],
  validateCreate: ({ spec }) => validateClaimSpec(spec, "spec"),
  validateUpdate: (next, current) =>
    sameValue(next.spec, current.spec)
      ? []
      : [invalid("spec", new GoForm("resource.ResourceClaimSpec", next.spec), "field is immutable")],
  validateStatus: validateClaimStatus,
  columns: [column("State"), ageColumn],
  cells: (claim, nowMs) => [stateText(claim), age(claim.metadata.creationTimestamp, nowMs)],
});

function stateText({ metadata, status }: ResourceClaim): string {
  const isGoing = metadata.deletionTimestamp !== undefined;
  const states: string[] = isGoing ? ["deleted"] : [];
  if (status?.allocation === undefined) {
    if (!isGoing) states.push("pending");
  } else states.push("allocated", ...((status.reservedFor ?? []).length > 0 ? ["reserved"] : []));
  return states.join(",");
}
