import { attachRoutes } from "../../../client/gateway/attachments.ts";
import { authorityMaps, tlsPolicies } from "../../../client/gateway/backend-tls.ts";
import { gatewayKey } from "../../../client/gateway/gateway-class.ts";
import type {
  AnyRoute,
  BackendTlsPolicy,
  Gateway,
  GatewayClass,
  ReferenceGrant,
} from "../../../client/gateway/gateway-types.ts";
import { ownGateways, takesRequests } from "../../../client/gateway/listeners.ts";
import { routeFault } from "../../../client/gateway/route-faults.ts";
import type { ConfigMap, Service } from "../../../client/types.ts";
import type { Change } from "../data-plane.ts";
import { type BackendRef, backendKey } from "../ingress-routes.ts";
import type { HostRoutes } from "../route.ts";
import { planRules } from "./gateway-rules.ts";

export interface GatewayWorld {
  readonly classes: readonly GatewayClass[];
  readonly gateways: readonly Gateway[];
  readonly routes: readonly AnyRoute[];
  readonly grants: readonly ReferenceGrant[];
  readonly policies: readonly BackendTlsPolicy[];
  /** By `namespace/name`. */
  readonly configMap: (key: string) => ConfigMap | undefined;
  readonly namespaceLabels: (namespace: string) => Readonly<Record<string, string>> | undefined;
  readonly service: (key: string) => Service | undefined;
}

/** One port of a Gateway. */
export interface GatewayPort {
  readonly entry: string;
  /** `namespace/name`. */
  readonly gateway: string;
  readonly port: number;
  readonly isTls: boolean;
}

/** What the Gateways of our classes have a node do. */
export interface GatewayPlan {
  readonly ports: readonly GatewayPort[];
  /** Listeners and routes by what each is about; who serves is told of those that are others than before. */
  readonly changes: ReadonlyMap<string, Change>;
  readonly certificates: readonly {
    readonly entry: string;
    readonly host: string;
    readonly secret: string;
  }[];
  readonly backends: readonly BackendRef[];
  /** `namespace/name` of the Services that were asked for, there or not. */
  readonly services: ReadonlySet<string>;
  /** `namespace/name` of the ConfigMaps whose authorities are asked for. */
  readonly configMaps: ReadonlySet<string>;
}

/** Pure. A Gateway's ports have routes of their own: what two Gateways do at the same port has nothing to do with each other. */
export function planGateways(world: GatewayWorld): GatewayPlan {
  const { routes, grants, namespaceLabels } = world;
  const own = ownGateways(world.gateways, world.classes, grants).filter(({ fault }) => fault === undefined);
  const ports = new Map<string, GatewayPort>();
  const listeners = new Map<string, string[]>();
  const certificates: { entry: string; host: string; secret: string }[] = [];
  for (const view of own)
    for (const one of view.listeners.filter(takesRequests)) {
      const gateway = gatewayKey(view.gateway);
      const entry = entryOf(gateway, one.port);
      ports.set(entry, { entry, gateway, port: one.port, isTls: one.isTls });
      listeners.set(entry, [...(listeners.get(entry) ?? []), one.host]);
      const secret = one.certificates[0]?.secret;
      if (secret !== undefined) certificates.push({ entry, host: one.host, secret });
    }
  const changes = new Map<string, Change>();
  for (const [entry, hosts] of listeners)
    changes.set(`listeners ${entry}`, { kind: "listeners", entry, hosts: hosts.sort() });

  const gateways = new Map(own.map((view) => [gatewayKey(view.gateway), view]));
  const backends = new Map<string, BackendRef>();
  const services = new Set<string>();
  const service = (key: string) => {
    services.add(key);
    return world.service(key);
  };
  const policies = tlsPolicies(world.policies, world.configMap);
  const isServed = (of: AnyRoute) => routeFault(of) === undefined;
  for (const { of, attachments } of attachRoutes(routes, { gateways, namespaceLabels, isServed })) {
    const attached = attachments.filter(({ listeners }) => listeners.length > 0);
    if (attached.length === 0 || !isServed(of)) continue;
    const plan = planRules(of, { service, grants, policies });
    for (const ref of plan.backends) backends.set(backendKey(ref), ref);
    const { namespace, name } = of.route.metadata;
    const owner = `${of.kind} ${namespace}/${name}`;
    // Several of its parents may lead to one listener.
    const hostsOf = new Map<string, { entry: string; listener: string; hosts: Set<string> }>();
    for (const { gateway, listeners } of attached)
      for (const { listener, hosts } of listeners) {
        const entry = entryOf(gatewayKey(gateway.gateway), listener.port);
        const key = `routes ${entry} ${listener.host} ${owner}`;
        const known = hostsOf.get(key) ?? { entry, listener: listener.host, hosts: new Set<string>() };
        hostsOf.set(key, known);
        for (const host of hosts) known.hosts.add(host);
      }
    for (const [key, { entry, listener, hosts }] of hostsOf) {
      const ofHosts = [...hosts].map((host): HostRoutes => ({ host, routes: plan.routes }));
      changes.set(key, { kind: "routes", entry, listener, owner, hosts: ofHosts });
    }
  }
  return {
    ports: [...ports.values()],
    changes,
    certificates,
    backends: [...backends.values()],
    services,
    configMaps: new Set(own.length === 0 ? [] : world.policies.flatMap(authorityMaps)),
  };
}

const entryOf = (gateway: string, port: number) => `${gateway}:${port}`;

/** What takes back a change. */
export function undone(change: Change): Change {
  switch (change.kind) {
    case "listeners":
    case "routes":
      return { ...change, hosts: [] };
    case "endpoints":
      return { ...change, endpoints: undefined };
    case "certificate":
      return { ...change, pem: undefined };
  }
}
