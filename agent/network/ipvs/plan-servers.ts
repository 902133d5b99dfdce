import type { Endpoint } from "../service-endpoints.ts";
import { externalEndpoints, internalEndpoints, type ServicePort } from "../service-plan.ts";
import {
  type Command,
  type CountedDestination,
  type Destination,
  destinationPlace,
  placeOf,
  type ServerPlace,
  type ServerTable,
  type VirtualServer,
} from "./ipvs-model.ts";

export interface ServersOptions {
  readonly version: 4 | 6;
  readonly scheduler: string;
  /** The node's own, at which node ports are served. */
  readonly nodeAddresses: readonly string[];
}

/** The virtual servers that ports need. One without endpoints has no destination: connections that stand go on, and rules
 *  refuse new ones. Pure. */
export function wantedServers(
  ports: readonly ServicePort[],
  { version, scheduler, nodeAddresses }: ServersOptions,
): ServerTable {
  const table = new Map<string, VirtualServer>();
  const add = (
    port: ServicePort,
    to: Pick<ServerPlace, "address" | "port">,
    endpoints: readonly Endpoint[],
  ) => {
    const server = {
      version,
      protocol: port.protocol,
      ...to,
      scheduler,
      persistSeconds: port.affinitySeconds ?? 0,
    };
    // An address of a Service is one first, and the node's own only then.
    if (!table.has(placeOf(server)))
      table.set(placeOf(server), { ...server, destinations: destinationsOf(endpoints) });
  };
  for (const port of ports) {
    for (const address of port.clusterIps) add(port, { address, port: port.port }, internalEndpoints(port));
    for (const address of [...port.externalIps, ...port.balancerIps])
      add(port, { address, port: port.port }, externalEndpoints(port));
  }
  for (const port of ports)
    if (port.nodePort !== undefined)
      for (const address of nodeAddresses)
        add(port, { address, port: port.nodePort }, externalEndpoints(port));
  return table;
}

function destinationsOf(endpoints: readonly Endpoint[]): ReadonlyMap<string, Destination> {
  const all = endpoints.map(({ address, port }): Destination => ({ address, port, weight: 1 }));
  return new Map(all.map((one) => [destinationPlace(one), one]));
}

/** What turns the one table into the other. A destination that is wanted no more gets no new connections, and keeps those that
 *  it has (UDP has none): `idleDestinations` says when it can go. Pure. */
export function commandsBetween(held: ServerTable, wanted: ServerTable): readonly Command[] {
  const commands: Command[] = [];
  for (const [place, server] of held) if (!wanted.has(place)) commands.push({ kind: "removeServer", server });
  for (const [place, server] of wanted) {
    const known = held.get(place);
    if (known === undefined) commands.push({ kind: "addServer", server });
    else if (known.scheduler !== server.scheduler || known.persistSeconds !== server.persistSeconds)
      commands.push({ kind: "setServer", server });
    for (const [where, destination] of server.destinations) {
      const before = known?.destinations.get(where);
      if (before === undefined) commands.push({ kind: "addDestination", server, destination });
      else if (before.weight !== destination.weight)
        commands.push({ kind: "setDestination", server, destination });
    }
    for (const [where, destination] of known?.destinations ?? []) {
      if (server.destinations.has(where)) continue;
      if (server.protocol === "udp") commands.push({ kind: "removeDestination", server, destination });
      else if (destination.weight !== 0)
        commands.push({ kind: "setDestination", server, destination: { ...destination, weight: 0 } });
    }
  }
  return commands;
}

/** Those that are wanted no more and that nobody is connected to. Pure. */
export function idleDestinations(
  server: VirtualServer,
  present: readonly CountedDestination[],
): readonly Command[] {
  return present
    .filter((one) => one.connections === 0 && !server.destinations.has(destinationPlace(one)))
    .map((destination) => ({ kind: "removeDestination", server, destination }));
}

/** The table once these were carried out. Pure. */
export function tableAfter(table: ServerTable, commands: readonly Command[]): ServerTable {
  const after = new Map(table);
  for (const command of commands) {
    const place = placeOf(command.server);
    const server = after.get(place);
    if (command.kind === "removeServer") after.delete(place);
    else if (!("destination" in command))
      after.set(place, { ...command.server, destinations: server?.destinations ?? new Map() });
    else if (server !== undefined) {
      const destinations = new Map(server.destinations);
      if (command.kind === "removeDestination") destinations.delete(destinationPlace(command.destination));
      else destinations.set(destinationPlace(command.destination), command.destination);
      after.set(place, { ...server, destinations });
    }
  }
  return after;
}
