import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { Clock } from "../../../base/os/clock.ts";
import type { Log } from "../../../base/os/log.ts";
import type { Meter } from "../../../base/os/metrics.ts";
import type { Random } from "../../../base/os/random.ts";
import type { PeerLinks } from "../../driver/seams.ts";
import { StoreError } from "../../errors.ts";
import type { MemberId, Message } from "../../raft/types.ts";
import { listen } from "../listener.ts";
import type { ServerTls } from "../tls-files.ts";
import { acceptPeer, type IncomingHandlers } from "./incoming-link.ts";
import { encodeMessage } from "./message-codec.ts";
import { OutgoingLink } from "./outgoing-link.ts";
import { sendSnapshot } from "./snapshot-sender.ts";

export interface PeerNetworkConfig {
  readonly clusterId: bigint;
  readonly memberId: MemberId;
  readonly serverVersion: string;
  readonly listen: readonly { readonly host: string; readonly port: number; readonly tls: boolean }[];
  readonly tls: ServerTls | undefined;
}
export interface PeerNetworkParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly meter: Meter;
}

export const peerMetrics = (meter: Meter) => ({
  sentBytes: meter.counter("etcd_network_peer_sent_bytes_total", "The total number of bytes sent to peers.", [
    "To",
  ]),
  receivedBytes: meter.counter(
    "etcd_network_peer_received_bytes_total",
    "The total number of bytes received from peers.",
    ["From"],
  ),
  sentFailures: meter.counter(
    "etcd_network_peer_sent_failures_total",
    "The total number of send failures from peers.",
    ["To"],
  ),
  roundTrip: meter.histogram(
    "etcd_network_peer_round_trip_time_seconds",
    "Round-Trip-Time histogram between peers.",
    {
      labels: ["To"],
      buckets: [
        0.0001, 0.0002, 0.0004, 0.0008, 0.0016, 0.0032, 0.0064, 0.0128, 0.0256, 0.0512, 0.1, 0.2, 0.4, 0.8,
        1.6, 3.2,
      ],
    },
  ),
});

/** All links of one member. */
export class PeerNetwork implements PeerLinks {
  readonly #config: PeerNetworkConfig;
  readonly #parts: PeerNetworkParts;
  readonly #metrics: ReturnType<typeof peerMetrics>;
  readonly #links = new Map<MemberId, OutgoingLink>();
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  #stopped = false;

  constructor(config: PeerNetworkConfig, parts: PeerNetworkParts) {
    this.#config = config;
    this.#parts = parts;
    this.#metrics = peerMetrics(parts.meter);
  }

  /** Begins to accept peers. Throws with flag and address when an address cannot be had. */
  async open(handlers: Omit<IncomingHandlers, "onReceived">): Promise<void> {
    const { log } = this.#parts;
    const all: IncomingHandlers = {
      ...handlers,
      onReceived: (from, bytes) => this.#metrics.receivedBytes.inc({ From: from.toString(16) }, bytes),
    };
    const accept = (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      acceptPeer(socket, this.#config, all, log);
    };
    for (const { host, port, tls } of this.#config.listen) {
      const server =
        tls && this.#config.tls !== undefined
          ? createTlsServer(this.#config.tls, accept)
          : createServer(accept);
      server.on("tlsClientError", (error: Error) => log.warn("rejected a peer's connection", { error }));
      await listen(server, { host, port, flag: "--listen-peer-urls" });
      this.#servers.push(server);
    }
  }

  /** The ports listened on, in the order of the configuration. */
  get ports(): readonly number[] {
    return this.#servers.map((server) => (server.address() as AddressInfo).port);
  }

  send(messages: readonly Message[]): void {
    for (const message of messages) this.#links.get(message.to)?.send(encodeMessage(message));
  }

  async sendSnapshot(message: Message, state: AsyncIterable<Uint8Array>): Promise<void> {
    const link = this.#links.get(message.to);
    const url = link?.urls[0];
    if (url === undefined) throw new Error(`no peer URL of member ${message.to.toString(16)}`);
    await sendSnapshot(url, this.#dialOptions(message.to), encodeMessage(message), state, (bytes) =>
      this.#metrics.sentBytes.inc({ To: message.to.toString(16) }, bytes),
    );
  }

  setPeers(peers: readonly { readonly id: MemberId; readonly urls: readonly string[] }[]): void {
    if (this.#stopped) return;
    const others = new Map(
      peers.filter((peer) => peer.id !== this.#config.memberId).map((peer) => [peer.id, peer.urls]),
    );
    for (const [id, link] of this.#links) {
      if (others.has(id)) continue;
      link.close();
      this.#links.delete(id);
    }
    for (const [id, urls] of others) {
      const link = this.#links.get(id);
      if (link === undefined) this.#links.set(id, this.#link(id, urls));
      else link.urls = urls;
    }
  }

  /** Asks a member something (see `question.ts`). */
  ask(to: MemberId, kind: string, id: bigint): Promise<Uint8Array> {
    const link = this.#links.get(to);
    return link === undefined ? Promise.reject(new StoreError("NO_LEADER")) : link.ask(kind, id);
  }

  connectedForMs(id: MemberId): number {
    return this.#links.get(id)?.connectedForMs ?? 0;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
    const closed = this.#servers.map(
      (server) => new Promise<void>((resolve) => server.close(() => resolve())),
    );
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
  }

  #link(id: MemberId, urls: readonly string[]): OutgoingLink {
    const { clock, random, log } = this.#parts;
    const To = id.toString(16);
    return new OutgoingLink(
      urls,
      { ...this.#dialOptions(id), purpose: "messages" },
      {
        clock,
        random,
        log,
        onSent: (bytes) => this.#metrics.sentBytes.inc({ To }, bytes),
        onSendFailure: () => this.#metrics.sentFailures.inc({ To }),
        onRoundTrip: (seconds) => this.#metrics.roundTrip.observe({ To }, seconds),
      },
    );
  }

  #dialOptions(to: MemberId) {
    const { clusterId, memberId, serverVersion, tls } = this.#config;
    const client =
      tls === undefined ? undefined : { cert: tls.cert, key: tls.key, ...(tls.ca && { ca: tls.ca }) };
    return { clusterId, from: memberId, to, serverVersion, tls: client };
  }
}
