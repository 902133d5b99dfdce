import type { Random } from "../../base/os/random.ts";
import { type CertificatePem, Certificates } from "./certificates.ts";
import { EndpointPool } from "./endpoint-pool.ts";
import type { Endpoint, HostRoutes } from "./route.ts";
import { RoutingTable } from "./routing-table.ts";

/** All that requests are served by, and the only way in which it changes. */
export type Change =
  | { readonly kind: "routes"; readonly owner: string; readonly hosts: readonly HostRoutes[] }
  | {
      readonly kind: "endpoints";
      readonly backend: string;
      readonly endpoints: readonly Endpoint[] | undefined;
    }
  | { readonly kind: "certificate"; readonly host: string; readonly pem: CertificatePem | undefined };

export class DataPlane {
  readonly table = new RoutingTable();
  readonly pool: EndpointPool;
  readonly certificates: Certificates;

  constructor(fallback: CertificatePem, random: Random) {
    this.pool = new EndpointPool(random);
    this.certificates = new Certificates(fallback);
  }

  apply(change: Change): void {
    switch (change.kind) {
      case "routes":
        this.table.set(change.owner, change.hosts);
        break;
      case "endpoints":
        this.pool.set(change.backend, change.endpoints);
        break;
      case "certificate":
        this.certificates.set(change.host, change.pem);
        break;
    }
  }
}
