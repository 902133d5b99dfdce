import { ipv4Text, parseIpv4 } from "../../../base/ipv4.ts";
import { type Ipv4Span, isInSpans } from "../../../base/ipv4-spans.ts";
import { poolAddressOf } from "../../../client/rules/load-balancer.ts";
import type { Service } from "../../../client/types.ts";
import type { Verdict } from "./verdict.ts";

export interface Pool {
  readonly spans: readonly Ipv4Span[];
  /** Nodes and API servers are reached there: no Service gets that. */
  readonly inUse: ReadonlySet<string>;
}

/** An address of the pool for each of these Services. Who has one keeps it as long as it may; the others, in their order, get
 *  the one that they ask for, or the first that is free. Pure.
 *  Invariant: an address is one Service's. */
export function poolVerdicts(
  services: readonly Service[],
  { spans, inUse }: Pool,
): ReadonlyMap<Service, Verdict> {
  const owners = new Map<number, Service>();
  const verdicts = new Map<Service, Verdict>();
  const isFree = (address: number) => !owners.has(address) && !inUse.has(ipv4Text(address));
  const give = (service: Service, address: number) => {
    owners.set(address, service);
    verdicts.set(service, { ok: true, by: "pool", addresses: [ipv4Text(address)] });
  };
  const refuse = (service: Service, reason: string, why: string) =>
    verdicts.set(service, { ok: false, reason, why });
  const inOrder = addressesOf(spans);
  const firstFree = () => {
    for (;;) {
      const { value, done } = inOrder.next();
      if (done === true || isFree(value)) return value ?? undefined;
    }
  };

  const ofIpv4 = services.filter((service) => {
    const isIpv4 = service.spec.ipFamilies?.includes("IPv4") ?? true;
    if (!isIpv4) refuse(service, "NoAddress", "the pool has no IPv6 addresses");
    return isIpv4;
  });
  for (const service of ofIpv4) {
    const kept = parseIpv4(poolAddressOf(service) ?? "");
    const asked = service.spec.loadBalancerIP;
    if (kept === undefined || (asked && parseIpv4(asked) !== kept)) continue;
    if (isInSpans(spans, kept) && isFree(kept)) give(service, kept);
  }
  const waiting = ofIpv4.filter((service) => !verdicts.has(service));
  // What somebody asks for is not given to who would take any.
  for (const service of waiting.filter(({ spec }) => spec.loadBalancerIP)) {
    const asked = service.spec.loadBalancerIP ?? "";
    const address = parseIpv4(asked);
    if (address === undefined || !isInSpans(spans, address))
      refuse(service, "NoAddress", `${asked} is no address of the pool`);
    else if (isFree(address)) give(service, address);
    else refuse(service, "AddressTaken", `${asked} is ${ownerText(owners.get(address))}`);
  }
  for (const service of waiting.filter(({ spec }) => !spec.loadBalancerIP)) {
    const address = firstFree();
    if (address === undefined) refuse(service, "NoAddress", "no address of the pool is free");
    else give(service, address);
  }
  return verdicts;
}

function* addressesOf(spans: readonly Ipv4Span[]): Generator<number, undefined> {
  for (const { first, last } of spans) for (let address = first; address <= last; address++) yield address;
}

const ownerText = (owner: Service | undefined): string =>
  owner === undefined
    ? "a node's or an API server's"
    : `Service ${owner.metadata.namespace}/${owner.metadata.name}'s`;
