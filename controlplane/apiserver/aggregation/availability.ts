import type { EndpointSlice, Service } from "../../../client/types.ts";
import type { Availability } from "./conditions.ts";
import type { RemoteVersion } from "./service-table.ts";

/** Whether a remote server can be reached, as far as its Service and endpoints say. Pure; Kubernetes' reasons and texts. */

export interface Found {
  readonly service: Service | undefined;
  readonly slices: readonly EndpointSlice[];
}

/** `undefined`: nothing speaks against it, the server itself has to be asked. */
export function obstacle(
  { service: ref }: RemoteVersion,
  { service, slices }: Found,
): Availability | undefined {
  const { name, port } = ref;
  const place = `in ${JSON.stringify(ref.namespace)}`;
  if (service === undefined) return refused("ServiceNotFound", `service/${name} ${place} is not present`);
  if ((service.spec.type ?? "ClusterIP") !== "ClusterIP") return undefined;
  const found = service.spec.ports?.find((one) => one.port === port);
  if (found === undefined)
    return refused("ServicePortError", `service/${name} ${place} is not listening on port ${port}`);
  if (slices.length === 0)
    return refused("EndpointsNotFound", `cannot find endpointslices for service/${name} ${place}`);
  const portName = found.name ?? "";
  if (slices.some((slice) => isActive(slice, portName))) return undefined;
  return refused(
    "MissingEndpoints",
    `endpointslices for service/${name} ${place} have no addresses with port name ${JSON.stringify(portName)}`,
  );
}

function isActive({ endpoints, ports }: EndpointSlice, portName: string): boolean {
  return (
    (endpoints ?? []).some(({ conditions }) => conditions?.ready !== false) &&
    (ports ?? []).some(({ name, port }) => (name ?? "") === portName && port !== undefined)
  );
}

const refused = (reason: string, message: string): Availability => ({
  type: "Available",
  status: "False",
  reason,
  message,
});

export const failedCheck = (message: string): Availability => refused("FailedDiscoveryCheck", message);
export const passed: Availability = {
  type: "Available",
  status: "True",
  reason: "Passed",
  message: "all checks passed",
};
