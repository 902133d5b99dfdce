/** How fast pods may be taken off lost nodes, zone by zone, as Kubernetes' node lifecycle controller does it: the more of
 *  a zone is lost, the likelier it is that it is not the nodes that failed. Time comes in; nothing here waits. */
export interface EvictionRates {
  /** Nodes per second whose pods are evicted in a healthy zone. */
  readonly primaryPerSecond: number;
  /** The same in a large zone of which many nodes are lost. In a small one eviction stops. */
  readonly secondaryPerSecond: number;
  /** Share of a zone's nodes, between 0 and 1, from which on the zone counts as partially lost. */
  readonly unhealthyShare: number;
  /** A zone with more nodes than this is large. */
  readonly largeZoneNodes: number;
}

/** `full`: no node is ready; `partial`: more than two and at least `unhealthyShare` are not. */
export type ZoneState = "normal" | "partial" | "full";

export interface ZoneNode {
  readonly name: string;
  readonly zone: string;
  readonly ready: boolean;
  /** The node's loss says nothing about its zone (`node.kubernetes.io/exclude-disruption`). */
  readonly excluded: boolean;
}

/** `waitMs` undefined: not before the state of a zone changes. */
export type Permission = { readonly granted: true } | { readonly granted: false; readonly waitMs?: number };

interface Zone {
  ready: number;
  notReady: number;
  state: ZoneState;
  perSecond: number;
  /** When the next node may be given up, on the monotonic clock. */
  nextMs: number;
}

/** Invariant: each zone's counts are those of the nodes noted and not forgotten, without the excluded ones.
 *  Size: an entry a node and a zone. */
export class EvictionZones {
  readonly #rates: EvictionRates;
  readonly #nodes = new Map<string, ZoneNode>();
  readonly #zones = new Map<string, Zone>();
  /** Nodes that were given up and have not been ready since: what was granted once needs no second token. */
  readonly #granted = new Set<string>();

  constructor(rates: EvictionRates) {
    this.#rates = rates;
  }

  /** No node of the cluster is ready: more likely it is the control plane that is cut off, and nothing is evicted. */
  get disrupted(): boolean {
    let counted = 0;
    for (const { state, notReady, ready } of this.#zones.values()) {
      if (ready + notReady === 0) continue; // only nodes that do not count
      if (state !== "full") return false;
      counted++;
    }
    return counted > 0;
  }

  stateOf(zone: string): ZoneState | undefined {
    return this.#zones.get(zone)?.state;
  }

  /** Takes in what is known of a node. Answers whether the state of a zone changed, so that others must be looked at. */
  note(node: ZoneNode, nowMs: number): boolean {
    const before = this.#nodes.get(node.name);
    if (node.ready) this.#granted.delete(node.name);
    const same =
      before?.zone === node.zone && before.ready === node.ready && before.excluded === node.excluded;
    if (same) return false;
    this.#nodes.set(node.name, node);
    const left = before === undefined ? false : this.#count(before, -1, nowMs);
    return this.#count(node, 1, nowMs) || left;
  }

  forget(name: string, nowMs: number): boolean {
    const before = this.#nodes.get(name);
    this.#nodes.delete(name);
    this.#granted.delete(name);
    return before !== undefined && this.#count(before, -1, nowMs);
  }

  /** May the pods of this node, noted as not ready, be evicted now? Grants at the zone's rate, one node at a time. */
  ask(name: string, nowMs: number): Permission {
    const node = this.#nodes.get(name);
    if (node === undefined || node.ready || this.disrupted) return { granted: false };
    if (this.#granted.has(name)) return { granted: true };
    const zone = this.#zone(node.zone);
    if (zone.perSecond <= 0) return { granted: false };
    if (nowMs < zone.nextMs) return { granted: false, waitMs: zone.nextMs - nowMs };
    zone.nextMs = nowMs + 1000 / zone.perSecond;
    this.#granted.add(name);
    return { granted: true };
  }

  #zone(name: string): Zone {
    const known = this.#zones.get(name);
    if (known !== undefined) return known;
    const zone: Zone = {
      ready: 0,
      notReady: 0,
      state: "normal",
      perSecond: this.#rates.primaryPerSecond,
      nextMs: Number.NEGATIVE_INFINITY,
    };
    this.#zones.set(name, zone);
    return zone;
  }

  #count(node: ZoneNode, by: 1 | -1, nowMs: number): boolean {
    if (node.excluded) return false;
    const zone = this.#zone(node.zone);
    if (node.ready) zone.ready += by;
    else zone.notReady += by;
    if (zone.ready + zone.notReady === 0) {
      this.#zones.delete(node.zone);
      return true;
    }
    const state = this.#stateFor(zone);
    const perSecond = this.#rateFor(state, zone.ready + zone.notReady);
    if (perSecond !== zone.perSecond) {
      // A bucket that was empty stays so: a change of state is no reason to evict at once.
      if (zone.perSecond <= 0 || nowMs < zone.nextMs) zone.nextMs = nowMs + 1000 / perSecond;
      zone.perSecond = perSecond;
    }
    const changed = state !== zone.state;
    zone.state = state;
    return changed;
  }

  #stateFor({ ready, notReady }: Zone): ZoneState {
    if (ready === 0) return "full";
    const share = notReady / (ready + notReady);
    return notReady > 2 && share >= this.#rates.unhealthyShare ? "partial" : "normal";
  }

  /** A zone lost whole is evicted at the primary rate, as long as another zone is alive. */
  #rateFor(state: ZoneState, nodes: number): number {
    if (state !== "partial") return this.#rates.primaryPerSecond;
    return nodes > this.#rates.largeZoneNodes ? this.#rates.secondaryPerSecond : 0;
  }
}

/** The zone a node says it is in: region and zone together, empty for none. */
export function zoneOf(labels: Readonly<Record<string, string>> | undefined): string {
  const region = labels?.["topology.kubernetes.io/region"] ?? "";
  const zone = labels?.["topology.kubernetes.io/zone"] ?? "";
  return region === "" && zone === "" ? "" : `${region}/${zone}`;
}
