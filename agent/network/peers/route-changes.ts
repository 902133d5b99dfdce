import type { PeerPlan } from "./plan-peers.ts";

/** The overlay's link: made and removed by `overlay-link.ts`. */
export const overlayLink = "pintle-vxlan";

/** Marks routes as this file's, so that a later agent finds those of an earlier one. */
export const routeProtocol = 112;

/** What the kernel has of ours, as far as it matters here. */
export interface KernelRoutes {
  /** `VIA` or `VIA DEVICE`, by ranges. */
  readonly routes: ReadonlyMap<string, string>;
  /** Hardware addresses by addresses on the overlay's link. */
  readonly neighbours: ReadonlyMap<string, string>;
  /** Nodes' addresses by hardware addresses. */
  readonly forwarding: ReadonlyMap<string, string>;
}

export const noRoutes: KernelRoutes = { routes: new Map(), neighbours: new Map(), forwarding: new Map() };

/** What the kernel is to have. Pure. */
export function wantedRoutes({ peers }: PeerPlan): KernelRoutes {
  const overlaid = peers.flatMap(({ nodeIp, overlay }) =>
    overlay === undefined ? [] : [{ nodeIp, ...overlay }],
  );
  return {
    routes: new Map(
      peers.map(({ range, nodeIp, overlay }) => [
        range,
        overlay === undefined ? nodeIp : `${overlay.address} ${overlayLink}`,
      ]),
    ),
    neighbours: new Map(overlaid.map(({ address, hardwareAddress }) => [address, hardwareAddress])),
    forwarding: new Map(overlaid.map(({ hardwareAddress, nodeIp }) => [hardwareAddress, nodeIp])),
  };
}

/** Lines for `bridge -batch` and `ip -batch`, in the order in which they are to be run. */
export interface RouteChange {
  readonly bridge: readonly string[];
  readonly ip: readonly string[];
}

/** What turns one into the other. Of what stays nothing is touched; what is new is reached before a route leads there. Pure. */
export function routeChange(from: KernelRoutes, to: KernelRoutes): RouteChange {
  const gone = (before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>) =>
    [...before].filter(([key]) => !after.has(key));
  const fresh = (before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>) =>
    [...after].filter(([key, value]) => before.get(key) !== value);
  return {
    bridge: [
      ...gone(from.forwarding, to.forwarding).map(([mac]) => `fdb del ${mac} dev ${overlayLink} self`),
      ...fresh(from.forwarding, to.forwarding).map(
        ([mac, nodeIp]) => `fdb replace ${mac} dev ${overlayLink} dst ${nodeIp} self permanent`,
      ),
    ],
    ip: [
      ...gone(from.routes, to.routes).map(([range]) => `route del ${range} proto ${routeProtocol}`),
      ...gone(from.neighbours, to.neighbours).map(([address]) => `neigh del ${address} dev ${overlayLink}`),
      ...fresh(from.neighbours, to.neighbours).map(
        ([address, mac]) => `neigh replace ${address} lladdr ${mac} dev ${overlayLink} nud permanent`,
      ),
      ...fresh(from.routes, to.routes).map(([range, where]) => {
        const [via, device] = where.split(" ");
        const through = device === undefined ? "" : ` dev ${device} onlink`;
        return `route replace ${range} via ${via}${through} proto ${routeProtocol}`;
      }),
    ],
  };
}
