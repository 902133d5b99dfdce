import type { ServicePort } from "./service-plan.ts";
import { eachOnce, type Flow } from "./udp-flows.ts";

/** Which endpoints TCP Services have no more. What a change costs does not grow with the cluster's Services, but for a look at each
 *  port: those that are the same objects as before are passed over. */
export class EndpointChanges {
  #before: ReadonlyMap<string, ServicePort> = new Map();

  /** As `address:port`, of those that a Service had at the last call. */
  goneSince(ports: readonly ServicePort[]): ReadonlySet<string> {
    const now = new Map(ports.map((port) => [port.id, port]));
    const gone = new Set<string>();
    for (const [id, before] of this.#before) {
      const port = now.get(id);
      if (port === before || before.protocol !== "tcp") continue;
      const left = new Set(port === undefined ? [] : placesOf(port));
      for (const place of placesOf(before)) if (!left.has(place)) gone.add(place);
    }
    this.#before = now;
    return gone;
  }
}

const placesOf = ({ clusterEndpoints, localEndpoints }: ServicePort): readonly string[] =>
  [...clusterEndpoints, ...localEndpoints].map(({ address, port }) => `${address}:${port}`);

/** Of flows, those that lead to one of these places. Pure. */
export const flowsTo = (places: ReadonlySet<string>, flows: readonly Flow[]): readonly Flow[] =>
  eachOnce(flows.filter(({ from, fromPort }) => places.has(`${from}:${fromPort}`)));
