import {
  type IpRange,
  ipRangeSize,
  parseAddress,
  parseIpRange,
  rangeContains,
} from "../../../base/ip-range.ts";
import type { Condition, IPAddress, ServiceCIDR } from "../../../client/types.ts";
import { conditionOf } from "../conditions.ts";
import { timeMs, timeText } from "../times.ts";

/** What is said of a range of services' addresses, and when it may go. Pure. */

export const cidrFinalizer = "networking.k8s.io/service-cidr-finalizer";
/** The one that API servers hand out addresses of. */
const servedName = "kubernetes";
const managedByLabel = "ipaddress.kubernetes.io/managed-by";
const allocator = "ipallocator.k8s.io";

/** API servers must have heard that a range goes before nothing more comes of it. */
export const deletionGraceMs = 10_000;

export interface CidrPlan {
  readonly finalizer?: "add" | "remove";
  /** Set where it says something else. */
  readonly condition?: Condition;
  readonly againInMs?: number;
}

const rangesOf = ({ spec }: ServiceCIDR): readonly IpRange[] =>
  (spec?.cidrs ?? []).flatMap((text) => parseIpRange(text) ?? []);
const isGoing = ({ metadata }: ServiceCIDR) => metadata.deletionTimestamp !== undefined;

export function planServiceCidr(
  cidr: ServiceCIDR,
  all: readonly ServiceCIDR[],
  addresses: readonly IPAddress[],
  nowMs: number,
): CidrPlan {
  const has = cidr.metadata.finalizers?.includes(cidrFinalizer) ?? false;
  const say = (status: "True" | "False", reason: string, message: string): Pick<CidrPlan, "condition"> => {
    const known = conditionOf(cidr.status?.conditions, "Ready");
    if (known?.status === status && known.reason === reason && known.message === message) return {};
    const lastTransitionTime = known?.status === status ? known.lastTransitionTime : timeText(nowMs);
    return { condition: { type: "Ready", status, reason, message, lastTransitionTime } };
  };
  if (!isGoing(cidr))
    return {
      ...(!has && { finalizer: "add" }),
      ...(cidr.metadata.name === servedName
        ? keepsReady(cidr)
          ? {}
          : say("True", "", "Kubernetes Service CIDR is ready")
        : say("False", "NotServed", `services get addresses of the ServiceCIDR ${servedName} alone`)),
    };
  const others = all.filter((one) => one.metadata.name !== cidr.metadata.name && !isGoing(one));
  if (!isFree(cidr, others, addresses))
    return say(
      "False",
      "Terminating",
      "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR",
    );
  const leftMs = timeMs(cidr.metadata.deletionTimestamp) + deletionGraceMs - nowMs;
  if (leftMs > 0) return { againInMs: leftMs };
  return has ? { finalizer: "remove" } : {};
}

/** API servers say it in words of their own when they make it. */
const keepsReady = ({ status }: ServiceCIDR) => conditionOf(status?.conditions, "Ready")?.status === "True";

/** Every address of it that is in use is another's too. */
function isFree(cidr: ServiceCIDR, others: readonly ServiceCIDR[], addresses: readonly IPAddress[]): boolean {
  const own = rangesOf(cidr);
  const left = others.flatMap(rangesOf);
  if (own.every((range) => left.some((one) => isWithin(range, one)))) return true;
  return addresses.every((address) => {
    const held = heldAddress(address);
    if (held === undefined) return true;
    const inside = (range: IpRange) => rangeContains(range, held.family, held.value);
    return !own.some(inside) || left.some(inside);
  });
}

const isWithin = (inner: IpRange, outer: IpRange) =>
  rangeContains(outer, inner.family, inner.first) && ipRangeSize(inner) <= ipRangeSize(outer);

/** Undefined for one that no API server gave to a service. */
function heldAddress({ metadata }: IPAddress) {
  return metadata.labels?.[managedByLabel] === allocator ? parseAddress(metadata.name) : undefined;
}

/** Ranges that may go, or may not any more, because of the address. */
export function goingRangesOf(address: IPAddress, all: readonly ServiceCIDR[]): readonly ServiceCIDR[] {
  const held = heldAddress(address);
  if (held === undefined) return [];
  return all.filter(
    (cidr) => isGoing(cidr) && rangesOf(cidr).some((range) => rangeContains(range, held.family, held.value)),
  );
}
