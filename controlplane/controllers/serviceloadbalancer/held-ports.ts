import type { Informer } from "../../../client/informer.ts";
import { keyOf } from "../../../client/object-cache.ts";
import { hostPortsOf } from "../../../client/rules/host-ports.ts";
import type { Pod, Service } from "../../../client/types.ts";
import { isFinished } from "../pod-state.ts";

/** Ports of nodes that others have already: node ports of Services, and host ports of pods. */

const nodePortIndex = "load-balancer-node-port";
const hostPortIndex = "load-balancer-host-port";

/** `30080/TCP` of each node port; where load balancers ask after endpoints that is TCP, too. Pure. */
export function nodePortsOf({ spec }: Service): readonly string[] {
  const ports = (spec.ports ?? []).flatMap(({ nodePort, protocol = "TCP" }) =>
    nodePort ? [`${nodePort}/${protocol}`] : [],
  );
  return spec.healthCheckNodePort ? [...ports, `${spec.healthCheckNodePort}/TCP`] : ports;
}

/** The same of the ports that a pod takes of its node. Pure. */
export function nodesPortsOf(pod: Pod): readonly string[] {
  return isFinished(pod) ? [] : hostPortsOf(pod.spec).map(({ port, protocol }) => `${port}/${protocol}`);
}

/** @param wake Called when a port may be had, or may be had no more.
 *  @returns Who but the Service that asks has a port; undefined where nobody does. */
export function followHeldPorts(
  services: Informer<Service>,
  pods: Informer<Pod>,
  wake: () => void,
): (port: string, asking: Service) => string | undefined {
  services.addIndex(nodePortIndex, nodePortsOf);
  pods.addIndex(hostPortIndex, nodesPortsOf);
  wakeOnPorts(services, nodePortsOf, wake);
  wakeOnPorts(pods, nodesPortsOf, wake);
  return (port, asking) => {
    const service = services.byIndex(nodePortIndex, port).find((one) => keyOf(one) !== keyOf(asking));
    if (service !== undefined) return `a node port of Service ${keyOf(service)}`;
    const [pod] = pods.byIndex(hostPortIndex, port);
    return pod === undefined ? undefined : `a host port of Pod ${keyOf(pod)}`;
  };
}

function wakeOnPorts<T extends Service | Pod>(
  informer: Informer<T>,
  portsOf: (object: T) => readonly string[],
  wake: () => void,
): void {
  const ifAny = (object: T) => {
    if (portsOf(object).length > 0) wake();
  };
  informer.subscribe({
    onAdd: ifAny,
    onDelete: ifAny,
    onUpdate: (next, previous) => {
      if (portsOf(next).join() !== portsOf(previous).join()) wake();
    },
  });
}
