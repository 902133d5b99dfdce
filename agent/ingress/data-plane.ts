import type { Random } from "../../base/os/random.ts";
import type { CertificatePem } from "../../client/rules/tls-secret.ts";
import { EndpointPool } from "./endpoint-pool.ts";
import { Entry, ingressEntry } from "./entry.ts";
import type { Endpoint, HostRoutes } from "./route.ts";

/** All that requests are served by, and the only way in which it changes. Absent entry and listener: that of Ingresses, which has
 *  one for every host. */
export type Change =
  /** Routes of listeners that are not named any more go with them. */
  | { readonly kind: "listeners"; readonly entry: string; readonly hosts: readonly string[] }
  | {
      readonly kind: "routes";
      readonly entry?: string;
      readonly listener?: string;
      readonly owner: string;
      readonly hosts: readonly HostRoutes[];
    }
  | {
      readonly kind: "endpoints";
      readonly backend: string;
      readonly endpoints: readonly Endpoint[] | undefined;
    }
  | {
      readonly kind: "certificate";
      readonly entry?: string;
      readonly host: string;
      readonly pem: CertificatePem | undefined;
    };

export class DataPlane {
  readonly pool: EndpointPool;
  readonly #entries = new Map<string, Entry>();
  readonly #fallback: CertificatePem;

  constructor(fallback: CertificatePem, random: Random) {
    this.pool = new EndpointPool(random);
    this.#fallback = fallback;
  }

  entry(name: string): Entry {
    const known = this.#entries.get(name) ?? new Entry(name, this.#fallback);
    this.#entries.set(name, known);
    return known;
  }

  /** Nobody comes in by it any more; what was told of it meanwhile is kept. */
  left(name: string): void {
    if (this.#entries.get(name)?.isEmpty === true) this.#entries.delete(name);
  }

  apply(change: Change): void {
    switch (change.kind) {
      case "listeners":
        this.entry(change.entry).setListeners(change.hosts);
        break;
      case "routes":
        this.entry(change.entry ?? ingressEntry).setRoutes(change.listener ?? "", change.owner, change.hosts);
        break;
      case "endpoints":
        this.pool.set(change.backend, change.endpoints);
        break;
      case "certificate":
        this.entry(change.entry ?? ingressEntry).certificates.set(change.host, change.pem);
        break;
    }
  }
}
