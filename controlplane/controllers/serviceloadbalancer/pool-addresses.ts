import { addressText, familyNames, type IpRange, parseAddress } from "../../../base/ip-range.ts";
import { type IpSpan, isInSpans } from "../../../base/ip-spans.ts";
import { poolAddressesOf } from "../../../client/rules/load-balancer.ts";
import type { Service } from "../../../client/types.ts";
import type { Verdict } from "./verdict.ts";

export interface Pool {
  readonly spans: readonly IpSpan[];
  /** Nodes and API servers are reached there: no Service gets that. */
  readonly inUse: ReadonlySet<string>;
}

type Family = IpRange["family"];

/** An address of the pool for each of these Services, of each family that it has and the pool, too. Who has some keeps them
 *  as long as it may; the others, in their order, get the one that they ask for, or the first that is free. A Service gets all
 *  or none. Pure.
 *  Invariant: an address is one Service's. */
export function poolVerdicts(services: readonly Service[], pool: Pool): ReadonlyMap<Service, Verdict> {
  const verdicts = new Map<Service, Verdict>();
  const given = new GivenAddresses(pool);
  const refuse = (service: Service, reason: string, why: string) => {
    given.takeBack(service);
    verdicts.set(service, { ok: false, reason, why });
  };
  const wanted = new Map<Service, readonly Family[]>();
  for (const service of services) {
    const families = familiesOf(service, pool);
    if (typeof families === "string") refuse(service, "NoAddress", families);
    else wanted.set(service, families);
  }
  for (const [service, families] of wanted) {
    const asked = parseAddress(service.spec.loadBalancerIP ?? "");
    for (const text of poolAddressesOf(service)) {
      const address = parseAddress(text);
      if (address === undefined || !families.includes(address.family)) continue;
      const isAnother = asked?.family === address.family && asked.value !== address.value;
      if (!isAnother && isInSpans(pool.spans, address) && given.isFree(address.family, address.value))
        given.give(service, address.family, address.value);
    }
  }
  // What somebody asks for is not given to who would take any.
  for (const [service, families] of wanted) {
    const { loadBalancerIP: asked } = service.spec;
    if (!asked) continue;
    const address = parseAddress(asked);
    if (address === undefined || !families.includes(address.family) || !isInSpans(pool.spans, address))
      refuse(service, "NoAddress", `${asked} is no address of the pool`);
    else if (given.of(service).has(address.family)) continue;
    else if (given.isFree(address.family, address.value)) given.give(service, address.family, address.value);
    else
      refuse(
        service,
        "AddressTaken",
        `${asked} is ${ownerText(given.ownerOf(address.family, address.value))}`,
      );
  }
  for (const [service, families] of wanted) {
    if (verdicts.has(service)) continue;
    const missing = families.filter((family) => !given.of(service).has(family));
    const found = missing.map((family) => ({ family, address: given.firstFree(family) }));
    const lacking = found.find(({ address }) => address === undefined);
    if (lacking !== undefined) {
      const ofFamily = families.length > 1 ? `${familyNames[lacking.family]} ` : "";
      refuse(service, "NoAddress", `no ${ofFamily}address of the pool is free`);
      continue;
    }
    for (const { family, address } of found) if (address !== undefined) given.give(service, family, address);
    const addresses = families.map((family) => addressText(family, given.of(service).get(family) ?? 0n));
    verdicts.set(service, { ok: true, by: "pool", addresses });
  }
  return verdicts;
}

/** Of those that a Service has, in their order, the ones that the pool has, too; or why it can have none. */
function familiesOf({ spec }: Service, { spans }: Pool): readonly Family[] | string {
  const asked = (spec.ipFamilies ?? ["IPv4"]).map((name): Family => (name === "IPv6" ? 6 : 4));
  const inPool = asked.filter((family) => spans.some((span) => span.family === family));
  const lacking = asked.find((family) => !inPool.includes(family));
  const isShort = inPool.length === 0 || spec.ipFamilyPolicy === "RequireDualStack";
  return lacking !== undefined && isShort ? `the pool has no ${familyNames[lacking]} addresses` : inPool;
}

/** Who has which address while they are handed out. */
class GivenAddresses {
  readonly #pool: Pool;
  readonly #owners = { 4: new Map<bigint, Service>(), 6: new Map<bigint, Service>() } as const;
  readonly #given = new Map<Service, Map<Family, bigint>>();
  readonly #inOrder: Partial<Record<Family, Generator<bigint, undefined>>> = {};
  /** Not given to anybody yet, as far as it was free when it was looked at. */
  readonly #next: Partial<Record<Family, bigint>> = {};

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  of(service: Service): ReadonlyMap<Family, bigint> {
    return this.#given.get(service) ?? new Map();
  }

  ownerOf(family: Family, address: bigint): Service | undefined {
    return this.#owners[family].get(address);
  }

  isFree(family: Family, address: bigint): boolean {
    return !this.#owners[family].has(address) && !this.#pool.inUse.has(addressText(family, address));
  }

  give(service: Service, family: Family, address: bigint): void {
    this.#owners[family].set(address, service);
    this.#given.set(service, new Map(this.of(service)).set(family, address));
  }

  takeBack(service: Service): void {
    for (const [family, address] of this.of(service)) {
      this.#owners[family].delete(address);
      // It may come before those that were looked at.
      delete this.#inOrder[family];
      delete this.#next[family];
    }
    this.#given.delete(service);
  }

  firstFree(family: Family): bigint | undefined {
    const next = this.#next[family];
    if (next !== undefined && this.isFree(family, next)) return next;
    this.#inOrder[family] ??= addressesOf(this.#pool.spans, family);
    const inOrder = this.#inOrder[family];
    for (;;) {
      const { value, done } = inOrder.next();
      if (done === true) return undefined;
      if (!this.isFree(family, value)) continue;
      this.#next[family] = value;
      return value;
    }
  }
}

function* addressesOf(spans: readonly IpSpan[], family: Family): Generator<bigint, undefined> {
  for (const { family: of, first, last } of spans)
    if (of === family) for (let address = first; address <= last; address++) yield address;
}

const ownerText = (owner: Service | undefined): string =>
  owner === undefined
    ? "a node's or an API server's"
    : `Service ${owner.metadata.namespace}/${owner.metadata.name}'s`;
