import { connect, createServer, type Server, type Socket } from "node:net";
import type { Clock } from "../../base/os/clock.ts";
import type { Log } from "../../base/os/log.ts";
import type { Endpoint, ServicePort } from "./service-plan.ts";

/** Services without nftables: this process listens on each Service's addresses and passes bytes on. TCP only. Several
 *  agents on one machine share the loopback addresses: the first to listen serves, the others stand by and take over. */
export interface UserSpaceProxyParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Where node ports listen. */
  readonly nodePortHost: string;
  /** Makes a cluster IP an address of this node, where it is not one already. */
  readonly claimAddress: (address: string) => Promise<void>;
}

interface Listener {
  readonly key: string;
  readonly host: string;
  readonly port: number;
  endpoints: readonly Endpoint[];
  next: number;
  server: Server | undefined;
  cancelRetry: (() => void) | undefined;
}

const retryMs = 2000;
const connectionsMost = 4096;

export class UserSpaceProxy {
  readonly #parts: UserSpaceProxyParts;
  readonly #listeners = new Map<string, Listener>();
  readonly #sockets = new Set<Socket>();
  readonly #warned = new Set<string>();
  #stopped = false;

  constructor(parts: UserSpaceProxyParts) {
    this.#parts = parts;
  }

  /** Makes what is listened on equal to the plan. */
  async update(ports: readonly ServicePort[]): Promise<void> {
    const wanted = new Map<
      string,
      { readonly host: string; readonly port: number; readonly service: ServicePort }
    >();
    for (const service of ports) {
      if (service.protocol !== "tcp") {
        this.#warnOnce(service.id, "UDP services need nftables; not served", { service: service.id });
        continue;
      }
      for (const host of service.clusterIps)
        wanted.set(`${host}:${service.port}`, { host, port: service.port, service });
      const { nodePort } = service;
      if (nodePort !== undefined)
        wanted.set(`${this.#parts.nodePortHost}:${nodePort}`, {
          host: this.#parts.nodePortHost,
          port: nodePort,
          service,
        });
    }
    for (const [key, listener] of this.#listeners) if (!wanted.has(key)) this.#close(listener);
    for (const [key, { host, port, service }] of wanted) {
      const known = this.#listeners.get(key);
      if (known !== undefined) {
        known.endpoints = service.endpoints;
        continue;
      }
      const listener: Listener = {
        key,
        host,
        port,
        endpoints: service.endpoints,
        next: 0,
        server: undefined,
        cancelRetry: undefined,
      };
      this.#listeners.set(key, listener);
      if (service.clusterIps.includes(host)) await this.#parts.claimAddress(host);
      this.#listen(listener);
    }
  }

  stop(): void {
    this.#stopped = true;
    for (const listener of [...this.#listeners.values()]) this.#close(listener);
    for (const socket of this.#sockets) socket.destroy();
  }

  #listen(listener: Listener): void {
    if (this.#stopped || this.#listeners.get(listener.key) !== listener) return;
    const server = createServer({ pauseOnConnect: true }, (client) => this.#forward(listener, client));
    server.maxConnections = connectionsMost;
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EACCES")
        this.#warnOnce(
          listener.key,
          "may not listen on this port without privileges; use a port above 1023",
          { address: listener.key },
        );
      else if (error.code !== "EADDRINUSE")
        this.#warnOnce(listener.key, "cannot listen for a service", { address: listener.key, error });
      listener.cancelRetry = this.#parts.clock.after(retryMs, () => this.#listen(listener));
    });
    server.listen({ host: listener.host, port: listener.port, exclusive: true }, () => {
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
    const { endpoints } = listener;
    const first = listener.next++;
    const attempt = (tried: number) => {
      const endpoint = endpoints[(first + tried) % endpoints.length];
      if (endpoint === undefined || tried >= endpoints.length) {
        client.destroy();
        return;
      }
      const upstream = connect({ host: endpoint.address, port: endpoint.port });
      this.#track(upstream);
      const onRefused = () => attempt(tried + 1);
      upstream.once("error", onRefused);
      upstream.once("connect", () => {
        upstream.off("error", onRefused);
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
