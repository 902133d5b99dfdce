import type { EndpointSlice, Service } from "../../client/types.ts";
import { endpointsOf, type NodeView } from "../network/service-endpoints.ts";
import type { BackendRef } from "./ingress-routes.ts";
import type { Endpoint } from "./route.ts";

/** The endpoints of a port of a Service. Pure. */
export interface BackendView {
  readonly endpoints: readonly Endpoint[];
  /** Why there are none, where that is not for want of ready pods. */
  readonly problem: string | undefined;
}

/** @param slices Those of the Service. */
export function backendView(
  ref: BackendRef,
  service: Service | undefined,
  slices: readonly EndpointSlice[],
  node: NodeView,
): BackendView {
  const none = (problem: string): BackendView => ({
    endpoints: [],
    problem: `service "${ref.service}": ${problem}`,
  });
  if (service === undefined) return none("there is none of this name");
  const { type, clusterIP, ports = [] } = service.spec;
  // Whatever it names, the node would ask it as itself.
  if (type === "ExternalName") return none("of type ExternalName, which is not served");
  const port = ports.find((one) =>
    typeof ref.port === "string" ? one.name === ref.port : one.port === ref.port,
  );
  if (port === undefined) return none(`has no port ${ref.port}`);
  if ((port.protocol ?? "TCP") !== "TCP") return none(`port ${ref.port} is not TCP`);
  if (ref.viaService) {
    if (!clusterIP || clusterIP === "None") return none("has no address of its own");
    return { endpoints: [{ address: clusterIP, port: port.port }], problem: undefined };
  }
  let problem: string | undefined;
  const found = endpointsOf(
    slices,
    { ...node, name: port.name ?? "", protocol: "tcp" },
    (field, value, why) => {
      problem ??= `${field}: ${JSON.stringify(value)} ${why}; left out`;
    },
  );
  return { endpoints: found.clusterEndpoints.map(({ address, port }) => ({ address, port })), problem };
}
