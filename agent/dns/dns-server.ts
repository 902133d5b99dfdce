import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { createServer, isIPv6, type Server, type Socket } from "node:net";
import type { Clock } from "../../base/os/clock.ts";
import type { Log } from "../../base/os/log.ts";
import { withLength } from "./exchange.ts";
import { queryBytesMax } from "./message.ts";
import type { Asker } from "./resolver.ts";

export interface DnsServerParts {
  readonly address: string;
  /** 0: any, the same for both protocols. */
  readonly port: number;
  /** Who else asks gets no answer, so that nobody is flooded with answers to what others asked in their name. */
  readonly mayAsk: (address: string) => boolean;
  readonly respond: (message: Buffer, asker: Asker) => Promise<Buffer | undefined>;
  readonly clock: Clock;
  readonly log: Log;
}

export const dnsServerLimits = {
  connectionsMax: 512,
  connectionsOfOneMax: 32,
  /** Questions of a connection that wait for their answers; it is not read on until some came. */
  waitingMax: 16,
  idleMs: 10_000,
  retryMs: 2000,
} as const;

/** Listens on both protocols until it is stopped. Where somebody else has the port (another agent of this machine, where
 *  pods are plain processes), it stands by and takes over. */
export class DnsServer {
  readonly #parts: DnsServerParts;
  readonly #connections = new Map<Socket, string>();
  #udp: UdpSocket | undefined;
  #tcp: Server | undefined;
  #cancelRetry: (() => void) | undefined;
  #isStopped = false;
  #hasWarned = false;

  constructor(parts: DnsServerParts) {
    this.#parts = parts;
  }

  /** Tries once, and goes on trying by itself. Answers the port, or undefined while there is none. */
  async start(): Promise<number | undefined> {
    try {
      const udp = await this.#bind(this.#parts.port);
      this.#udp = udp;
      const { port } = udp.address();
      this.#tcp = await this.#listen(port);
      if (this.#isStopped) this.stop();
      return port;
    } catch (error) {
      this.#release();
      this.#onObstacle(error);
      return undefined;
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelRetry?.();
    this.#release();
  }

  #release(): void {
    this.#udp?.close();
    this.#tcp?.close();
    this.#udp = undefined;
    this.#tcp = undefined;
    for (const socket of this.#connections.keys()) socket.destroy();
  }

  #onObstacle(error: unknown): void {
    const { log, clock, address, port } = this.#parts;
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    const where = `${address}:${port}`;
    if (code === "EACCES") {
      log.warn("the cluster's DNS is not answered: this port needs privileges", { address: where });
      return;
    }
    if (!this.#hasWarned)
      log.warn("cannot listen for DNS yet; trying again and again", { address: where, error });
    this.#hasWarned = true;
    if (!this.#isStopped) this.#cancelRetry = clock.after(dnsServerLimits.retryMs, () => void this.start());
  }

  #bind(port: number): Promise<UdpSocket> {
    const { address, mayAsk, log } = this.#parts;
    return new Promise((resolve, reject) => {
      const socket = createSocket(isIPv6(address) ? { type: "udp6", ipv6Only: true } : { type: "udp4" });
      socket.once("error", (error) => {
        socket.close();
        reject(error);
      });
      socket.bind({ address, port, exclusive: true }, () => {
        socket.removeAllListeners("error");
        socket.on("error", (error) => log.warn("the DNS socket reports an error", { error }));
        socket.on("message", (message, from) => {
          if (!mayAsk(from.address)) return;
          this.#respond(message, { protocol: "udp", client: from.address }, (response) => {
            if (this.#udp === socket) socket.send(response, from.port, from.address, () => undefined); // or it is lost, as datagrams are
          });
        });
        resolve(socket);
      });
    });
  }

  #listen(port: number): Promise<Server> {
    const { address } = this.#parts;
    return new Promise((resolve, reject) => {
      const server = createServer((socket) => this.#onConnection(socket));
      server.maxConnections = dnsServerLimits.connectionsMax;
      server.once("error", reject);
      server.listen({ host: address, port, exclusive: true }, () => {
        server.off("error", reject);
        server.on("error", (error) => this.#parts.log.warn("the DNS listener reports an error", { error }));
        resolve(server);
      });
    });
  }

  #onConnection(socket: Socket): void {
    const client = socket.remoteAddress ?? "";
    const ofClient = [...this.#connections.values()].filter((one) => one === client).length;
    socket.on("error", () => socket.destroy());
    if (!this.#parts.mayAsk(client) || ofClient >= dnsServerLimits.connectionsOfOneMax) {
      socket.destroy();
      return;
    }
    this.#connections.set(socket, client);
    socket.once("close", () => this.#connections.delete(socket));
    socket.setTimeout(dnsServerLimits.idleMs, () => socket.destroy());
    let unread = Buffer.alloc(0);
    let waiting = 0;
    const readOn = () => {
      while (waiting < dnsServerLimits.waitingMax && unread.length >= 2) {
        const length = unread.readUInt16BE(0);
        if (length > queryBytesMax) {
          socket.destroy();
          return;
        }
        if (unread.length < 2 + length) break;
        const message = unread.subarray(2, 2 + length);
        unread = unread.subarray(2 + length);
        waiting++;
        this.#respond(
          message,
          { protocol: "tcp", client },
          (response) => socket.writable && socket.write(withLength(response)),
          () => {
            waiting--;
            readOn();
          },
        );
      }
      // Who asks without reading the answers is not read either.
      const isBusy = waiting >= dnsServerLimits.waitingMax || socket.writableNeedDrain;
      if (isBusy) socket.pause();
      else socket.resume();
    };
    socket.on("drain", readOn);
    socket.on("data", (chunk) => {
      unread = Buffer.concat([unread, chunk]);
      readOn();
    });
  }

  #respond(message: Buffer, asker: Asker, send: (response: Buffer) => void, done?: () => void): void {
    this.#parts
      .respond(message, asker)
      .then((response) => {
        if (response !== undefined) send(response);
      })
      .catch((error: unknown) => this.#parts.log.error("cannot answer a DNS question", { error, ...asker }))
      .finally(() => done?.());
  }
}
