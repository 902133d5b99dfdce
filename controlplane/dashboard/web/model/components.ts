import type { KubeObject } from "../api/object-feed.ts";

/** Who leads, as leases say it. Pure. */
export interface Leadership {
  readonly name: string;
  readonly holder: string;
  /** Since when this one leads. */
  readonly since: string;
  readonly isHeld: boolean;
  readonly transitions: number;
}

const known = ["kube-scheduler", "kube-controller-manager"];

interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseDurationSeconds?: number;
  readonly leaseTransitions?: number;
}

/** Components with a lease, Kubernetes' own first. A lease that was not renewed in its time is held by nobody. */
export function leadershipsOf(leases: Iterable<KubeObject>, nowMs: number): readonly Leadership[] {
  const rank = (name: string) => (known.includes(name) ? known.indexOf(name) : known.length);
  return [...leases]
    .map(({ metadata: { name }, spec }): Leadership => {
      const {
        holderIdentity = "",
        acquireTime = "",
        renewTime = "",
        leaseDurationSeconds = 0,
        leaseTransitions = 0,
      } = (spec ?? {}) as LeaseSpec;
      const isHeld = holderIdentity !== "" && Date.parse(renewTime) + leaseDurationSeconds * 1000 > nowMs;
      return { name, holder: holderIdentity, since: acquireTime, isHeld, transitions: leaseTransitions };
    })
    .sort((a, b) => rank(a.name) - rank(b.name) || a.name.localeCompare(b.name));
}

export interface ApiServer {
  readonly address: string;
  readonly isReady: boolean;
}

/** The API servers that live, as the `kubernetes` Service leads to them. */
export function apiServersOf(slices: Iterable<KubeObject>): readonly ApiServer[] {
  return [...slices]
    .flatMap((slice) => {
      const [port] = (slice.ports ?? []) as readonly { readonly port?: number }[];
      const endpoints = (slice.endpoints ?? []) as readonly {
        readonly addresses?: readonly string[];
        readonly conditions?: { readonly ready?: boolean };
      }[];
      return endpoints.flatMap(({ addresses = [], conditions }) =>
        addresses.map((address) => ({
          address: `${address.includes(":") ? `[${address}]` : address}:${port?.port ?? ""}`,
          isReady: conditions?.ready !== false,
        })),
      );
    })
    .sort((a, b) => a.address.localeCompare(b.address, "en", { numeric: true }));
}

export interface HealthCheck {
  readonly name: string;
  readonly isWell: boolean;
}

/** What `/readyz?verbose` says, line by line. */
export const healthChecks = (text: string): readonly HealthCheck[] =>
  [...text.matchAll(/^\[([+-])\](\S+)/gm)]
    .slice(0, 100)
    .map(([, sign, name = ""]) => ({ name, isWell: sign === "+" }));
