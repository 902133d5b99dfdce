import { type Amount, addAmounts, wholeAmount } from "../../base/quantity-text.ts";
import type { KubeObject } from "../types.ts";
import type { AmountsByName } from "./pod-amounts.ts";
import { objectCountName, one, type QuotaEvaluator } from "./quota-evaluator.ts";

const countName = objectCountName("resource.k8s.io", "resourceclaims");
/** `gpu.deviceclass.resource.k8s.io/devices` */
const ofClass = ".deviceclass.resource.k8s.io/devices";
/** No claim can be given more devices than this: who asks for all is counted with so many. */
const devicesMax = 32;

interface DeviceRequest {
  readonly deviceClassName?: string;
  readonly allocationMode?: string;
  readonly count?: number;
}
interface ClaimSpec {
  readonly devices?: {
    readonly requests?: readonly {
      readonly exactly?: DeviceRequest;
      readonly firstAvailable?: readonly DeviceRequest[];
    }[];
  };
}

/** Claims of devices count by their number and by how many devices of each class they ask for. */
export const deviceClaimQuota: QuotaEvaluator = {
  group: "resource.k8s.io",
  plural: "resourceclaims",
  counts: (name) => name === countName || name.endsWith(ofClass),
  usage: deviceClaimUsage,
  charges: ({ subresource }) => subresource === "",
};

function deviceClaimUsage(claim: KubeObject): AmountsByName {
  const used = new Map<string, Amount>([[countName, one]]);
  const { devices } = (claim.spec ?? {}) as ClaimSpec;
  for (const { exactly, firstAvailable = [] } of devices?.requests ?? []) {
    // Of alternatives, whatever would take the most of a class.
    const most = new Map<string, number>();
    const either = firstAvailable.length > 0 ? firstAvailable : exactly === undefined ? [] : [exactly];
    for (const request of either) {
      const name = `${request.deviceClassName ?? ""}${ofClass}`;
      most.set(name, Math.max(most.get(name) ?? 0, devicesOf(request)));
    }
    for (const [name, count] of most) {
      const before = used.get(name);
      used.set(name, before === undefined ? wholeAmount(count) : addAmounts(before, wholeAmount(count)));
    }
  }
  return used;
}

function devicesOf({ allocationMode, count = 0 }: DeviceRequest): number {
  if (allocationMode === "ExactCount") return count;
  return allocationMode === "All" ? devicesMax : 0;
}
