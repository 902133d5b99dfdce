import { hostsFor } from "../../client/gateway/route-hosts.ts";
import type { CertificatePem } from "../../client/rules/tls-secret.ts";
import { Certificates } from "./certificates.ts";
import type { MatchedRequest } from "./conditions.ts";
import { ingressTextsFor } from "./host-name.ts";
import type { HostRoutes } from "./route.ts";
import { type HostRule, type RouteMatch, RoutingTable } from "./routing-table.ts";

/** The entry of Ingresses; those of Gateways are named by whose they are. */
export const ingressEntry = "";

export const ingressRule: HostRule = { textsFor: ingressTextsFor, fallsThrough: false };
export const gatewayRule: HostRule = { textsFor: hostsFor, fallsThrough: true };

/** Where requests come in, with the routes that they may take there and no others. What comes in belongs to the narrowest of its
 *  listeners' hosts that stands for the request's; listeners know nothing of each other's routes. */
export class Entry {
  readonly certificates: Certificates;
  readonly #rule: HostRule;
  /** By the listener's host. */
  readonly #tables = new Map<string, RoutingTable>();

  constructor(name: string, fallback: CertificatePem) {
    const isOfIngresses = name === ingressEntry;
    this.#rule = isOfIngresses ? ingressRule : gatewayRule;
    this.certificates = new Certificates(isOfIngresses ? fallback : undefined, this.#rule.textsFor);
  }

  /** Those that are not named any more go, with their routes. */
  setListeners(hosts: readonly string[]): void {
    for (const host of this.#tables.keys()) if (!hosts.includes(host)) this.#tables.delete(host);
    for (const host of hosts) this.#table(host);
  }

  setRoutes(listener: string, owner: string, hosts: readonly HostRoutes[]): void {
    if (hosts.length > 0) this.#table(listener).set(owner, hosts);
    else this.#tables.get(listener)?.delete(owner);
  }

  get isEmpty(): boolean {
    return this.#tables.size === 0;
  }

  /** The host of the listener that a host's requests belong to. */
  listenerFor(host: string): string | undefined {
    return this.#rule.textsFor(host).find((text) => this.#tables.has(text));
  }

  match(request: MatchedRequest): RouteMatch | undefined {
    const listener = this.listenerFor(request.host);
    return listener === undefined ? undefined : this.#tables.get(listener)?.match(request);
  }

  #table(listener: string): RoutingTable {
    const known = this.#tables.get(listener) ?? new RoutingTable(this.#rule);
    this.#tables.set(listener, known);
    return known;
  }
}
