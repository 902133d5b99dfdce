import { connect, createServer, type Server, type Socket } from "node:net";
import { contains, parseIpv4, parseIpv4Range } from "../../base/ipv4.ts";
import type { Clock } from "../../base/os/clock.ts";
import { describeError, type Log } from "../../base/os/log.ts";
import { ClientAffinity } from "./client-affinity.ts";
import { openPort } from "./open-port.ts";
import type { Endpoint } from "./service-endpoints.ts";
import {
  externalEndpoints,
  internalEndpoints,
  isExternal,
  type ServicePlan,
  type ServicePort,
  type ServiceProblem,
} from "./service-plan.ts";

/** Services without nftables: this process listens on each Service's addresses and passes bytes on. TCP only. Several
 *  agents on one machine share the loopback addresses: the first to listen serves, the others stand by and take over. */
export interface UserSpaceProxyParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Where node ports listen. */
  readonly nodePortHost: string;
  /** False: node ports are not served there. */
  readonly servesNodePorts: boolean;
  /** Makes a Service's address one of this node, where it is not one already; false where that cannot be. */
  readonly claimAddress: (address: string) => Promise<boolean>;
  /** That this process may listen on. */
  readonly lowestPort: number;
  /** Is it where another node is reached? What goes there is that node's, and here the way to it. */
  readonly isAnotherNodes: (address: string) => boolean;
}

/** One address and port to listen on. */
interface Wanted {
  readonly host: string;
  readonly port: number;
  readonly via: "cluster" | "balancer" | "outside";
  readonly service: ServicePort;
}

interface Listener {
  readonly key: string;
  wanted: Wanted;
  next: number;
  server: Server | undefined;
  cancelRetry: (() => void) | undefined;
}

const retryMs = 2000;
const connectionsMax = 4096;
const affinityClientsMax = 16_384;

export class UserSpaceProxy {
  readonly #parts: UserSpaceProxyParts;
  readonly #listeners = new Map<string, Listener>();
  readonly #sockets = new Set<Socket>();
  readonly #warned = new Set<string>();
  readonly #affinity = new ClientAffinity({ clientsMax: affinityClientsMax });
  #stopped = false;

  constructor(parts: UserSpaceProxyParts) {
    this.#parts = parts;
  }

  /** Makes what is listened on equal to the plan. A Service without endpoints is not listened for: its clients are refused. */
  async update({ ports }: Pick<ServicePlan, "ports">): Promise<readonly ServiceProblem[]> {
    const problems: ServiceProblem[] = [];
    const wanted = new Map<string, Wanted>();
    for (const service of ports) {
      const problem = (text: string) =>
        problems.push({ service: service.service, message: `${service.id}: ${text}` });
      if (service.protocol !== "tcp") {
        problem(`${service.protocol.toUpperCase()} needs nftables, which this node does not use; left out`);
        continue;
      }
      if (isExternal(service) && service.externalLocal)
        problem(
          "without nftables externalTrafficPolicy: Local keeps to local endpoints, but not the source address",
        );
      const open = openPort(service.port, this.#parts.lowestPort);
      if (open !== service.port)
        problem(
          `this node's agent may not listen on port ${service.port}, which is below ${this.#parts.lowestPort}: answered at port ${open}`,
        );
      for (const one of this.#wantedFor(service, open)) wanted.set(`${one.host}:${one.port}`, one);
    }
    for (const [key, listener] of this.#listeners) if (!wanted.has(key)) this.#close(listener);
    for (const [key, one] of wanted) {
      const known = this.#listeners.get(key);
      if (known !== undefined) {
        known.wanted = one;
        continue;
      }
      const obstacle = await this.#obstacle(one.host);
      if (obstacle !== undefined) {
        const message = `${one.service.id}: this node cannot take the address ${one.host}${obstacle}; left out`;
        problems.push({ service: one.service.service, message });
        continue;
      }
      const listener: Listener = { key, wanted: one, next: 0, server: undefined, cancelRetry: undefined };
      this.#listeners.set(key, listener);
      this.#listen(listener);
    }
    return problems;
  }

  stop(): void {
    this.#stopped = true;
    for (const listener of [...this.#listeners.values()]) this.#close(listener);
    for (const socket of this.#sockets) socket.destroy();
  }

  #wantedFor(service: ServicePort, port: number): readonly Wanted[] {
    const { clusterIps, externalIps, balancerIps, nodePort } = service;
    const at = (via: Wanted["via"], hosts: readonly string[], number = port) =>
      hosts
        .filter((host) => !this.#parts.isAnotherNodes(host))
        .map((host): Wanted => ({ host, port: number, via, service }));
    return [
      ...(internalEndpoints(service).length > 0 ? at("cluster", clusterIps) : []),
      ...(service.clusterEndpoints.length > 0
        ? [
            ...at("outside", externalIps),
            ...at("balancer", balancerIps),
            ...(nodePort === undefined || !this.#parts.servesNodePorts
              ? []
              : at("outside", [this.#parts.nodePortHost], nodePort)),
          ]
        : []),
    ];
  }

  /** Why this node cannot have an address, behind a colon where there is more to say; undefined when it has it. */
  async #obstacle(host: string): Promise<string | undefined> {
    if (host === this.#parts.nodePortHost) return undefined;
    try {
      return (await this.#parts.claimAddress(host)) ? undefined : "";
    } catch (error) {
      return `: ${describeError(error)}`;
    }
  }

  #listen(listener: Listener): void {
    if (this.#stopped || this.#listeners.get(listener.key) !== listener) return;
    const { host, port } = listener.wanted;
    const server = createServer({ pauseOnConnect: true }, (client) => this.#forward(listener, client));
    server.maxConnections = connectionsMax;
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EADDRINUSE")
        this.#warnOnce(listener.key, "cannot listen for a service", { address: listener.key, error });
      listener.cancelRetry = this.#parts.clock.after(retryMs, () => this.#listen(listener));
    });
    server.listen({ host, port, exclusive: true }, () => {
      listener.server = server;
      // Taken away while the listen call was under way.
      if (this.#stopped || this.#listeners.get(listener.key) !== listener) server.close();
    });
  }

  #close(listener: Listener): void {
    this.#listeners.delete(listener.key);
    listener.cancelRetry?.();
    listener.server?.close();
  }

  #forward(listener: Listener, client: Socket): void {
    this.#track(client);
    const { service } = listener.wanted;
    const from = client.remoteAddress ?? "";
    const endpoints = this.#inTurn(listener, from);
    const attempt = (tried: number) => {
      const endpoint = endpoints[tried];
      if (endpoint === undefined) {
        client.destroy();
        return;
      }
      const upstream = connect({ host: endpoint.address, port: endpoint.port });
      this.#track(upstream);
      const onRefused = () => attempt(tried + 1);
      upstream.once("error", onRefused);
      upstream.once("connect", () => {
        upstream.off("error", onRefused);
        if (service.affinitySeconds !== undefined)
          this.#affinity.connected(service.id, from, {
            endpoint: endpointKey(endpoint),
            seconds: service.affinitySeconds,
            nowMs: this.#parts.clock.monotonicMs(),
          });
        upstream.on("error", () => client.destroy());
        client.on("error", () => upstream.destroy());
        client.on("close", () => upstream.destroy());
        upstream.on("close", () => client.destroy());
        client.pipe(upstream);
        upstream.pipe(client);
        client.resume();
      });
    };
    attempt(0);
  }

  /** The endpoints a client may go to, in the order they are tried: the one it went to before, where the Service keeps its
   *  clients, then each in turn. */
  #inTurn(listener: Listener, from: string): readonly Endpoint[] {
    const { service } = listener.wanted;
    const endpoints = this.#endpointsFor(listener.wanted, from);
    const last =
      service.affinitySeconds === undefined
        ? undefined
        : this.#affinity.endpointOf(service.id, from, this.#parts.clock.monotonicMs());
    const known = endpoints.filter((one) => endpointKey(one) === last);
    // Who comes back takes nobody's turn.
    const first = (known.length > 0 ? listener.next : listener.next++) % Math.max(1, endpoints.length);
    const turned = [...endpoints.slice(first), ...endpoints.slice(0, first)];
    return [...known, ...turned.filter((one) => !known.includes(one))];
  }

  #endpointsFor({ via, service }: Wanted, from: string): readonly Endpoint[] {
    if (via === "cluster") return internalEndpoints(service);
    if (via === "balancer" && !isAmong(service.balancerSources, from)) return [];
    // Who is on this node is inside: every endpoint will do, as if it had gone out and come back.
    const inside = from.startsWith("127.") || from === this.#parts.nodePortHost;
    return inside ? service.clusterEndpoints : externalEndpoints(service);
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    socket.on("error", () => socket.destroy());
  }

  #warnOnce(key: string, message: string, fields: Readonly<Record<string, unknown>>): void {
    if (this.#warned.has(key)) return;
    this.#warned.add(key);
    this.#parts.log.warn(message, fields);
  }
}

const endpointKey = ({ address, port }: Endpoint) => `${address}:${port}`;

function isAmong(ranges: readonly string[], address: string): boolean {
  const number = parseIpv4(address);
  return (
    ranges.length === 0 ||
    (number !== undefined &&
      ranges.map(parseIpv4Range).some((range) => range !== undefined && contains(range, number)))
  );
}
