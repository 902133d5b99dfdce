import type { Socket } from "node:net";
import type { Clock } from "../../../base/os/clock.ts";
import type { Log } from "../../../base/os/log.ts";
import type { Meter } from "../../../base/os/metrics.ts";
import type { Random } from "../../../base/os/random.ts";
import type { PeerLinks } from "../../driver/seams.ts";
import { StoreError } from "../../errors.ts";
import type { MemberId, Message } from "../../raft/types.ts";
import type { BoundServer } from "../bound-server.ts";
import type { PortTls } from "../tls/port-tls.ts";
import type { Hello } from "./hello.ts";
import { acceptPeer, type IncomingHandlers } from "./incoming-link.ts";
import { encodeMessage, MessageEncoder } from "./message-codec.ts";
import { OutgoingLink } from "./outgoing-link.ts";
import { PeerMetrics, type SnapshotCounts } from "./peer-metrics.ts";
import { sendSnapshot } from "./snapshot-sender.ts";
import { wantedLinks } from "./wanted-links.ts";

export interface PeerNetworkConfig {
  readonly clusterId: bigint;
  readonly memberId: MemberId;
  readonly serverVersion: string;
  /** Where peers connect to; closed by `stop`. */
  readonly servers: readonly BoundServer[];
  readonly tls: PortTls | undefined;
  /** The address to connect from; absent: what the system takes. */
  readonly localAddress?: string | undefined;
}
export interface PeerNetworkParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly meter: Meter;
  /** The connection to a member broke: what was sent last may be lost. */
  readonly onUnreachable?: (id: MemberId) => void;
  /** Another member says that this one was taken out of the cluster. */
  readonly onRemoved?: () => void;
}

/** All links of one member. */
export class PeerNetwork implements PeerLinks {
  readonly #config: PeerNetworkConfig;
  readonly #parts: PeerNetworkParts;
  readonly #metrics: PeerMetrics;
  readonly #links = new Map<MemberId, OutgoingLink>();
  readonly #encoder = new MessageEncoder();
  /** Who is at the other end of connections that were opened to this member, and where it says that it can be reached. */
  readonly #incoming = new Map<Socket, Pick<Hello, "from" | "peerUrls">>();
  #members: ReadonlyMap<MemberId, readonly string[]> = new Map();
  #isRemoved: (id: MemberId) => boolean = () => false;
  #stopped = false;

  constructor(config: PeerNetworkConfig, parts: PeerNetworkParts) {
    this.#config = config;
    this.#parts = parts;
    this.#metrics = new PeerMetrics(parts.meter, config.memberId, (id) => this.#members.has(id));
    this.#describe(parts.meter);
  }

  #describe(meter: Meter): void {
    const Local = this.#config.memberId.toString(16);
    const of = (id: MemberId, value: number) => [{ Local, Remote: id.toString(16) }, value] as const;
    meter.observedBy(
      "etcd_network_active_peers",
      "The current number of active peer connections.",
      ["Local", "Remote"],
      () => [...this.#links].map(([id, { connectedForMs }]) => of(id, connectedForMs > 0 ? 1 : 0)),
    );
    meter.observedBy(
      "etcd_network_known_peers",
      "The current number of known peers.",
      ["Local", "Remote"],
      () => [...this.#members.keys()].map((id) => of(id, 1)),
    );
  }

  /** Begins to accept peers. */
  open(handlers: Omit<IncomingHandlers, "onReceived" | "onReceiveFailure" | "onHello">): void {
    this.#isRemoved = handlers.isRemoved;
    const onReceived = (from: MemberId, bytes: number) => {
      this.#metrics.of(from).received.count += bytes;
    };
    const onReceiveFailure = (from: MemberId) => this.#metrics.of(from).receiveFailed();
    const onSnapshot: IncomingHandlers["onSnapshot"] = (message, chunks) =>
      this.#counted(this.#metrics.of(message.from).snapshotsReceived, () =>
        handlers.onSnapshot(message, chunks),
      );
    const accept = (socket: Socket) => {
      const onHello = (said: Pick<Hello, "from" | "peerUrls">) => {
        this.#incoming.set(socket, said);
        this.#adjustLinks();
      };
      socket.once("close", () => {
        if (this.#incoming.delete(socket)) this.#adjustLinks();
      });
      const { log } = this.#parts;
      acceptPeer(
        socket,
        this.#config,
        { ...handlers, onSnapshot, onReceived, onReceiveFailure, onHello },
        log,
      );
    };
    for (const server of this.#config.servers) server.serve(accept);
  }

  send(messages: readonly Message[]): void {
    for (const message of messages) this.#links.get(message.to)?.send(this.#encoder.encode(message));
  }

  async sendSnapshot(
    message: Message,
    state: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<void> {
    const urls = this.#links.get(message.to)?.urls ?? [];
    const { snapshotsSent, sent } = this.#metrics.of(message.to);
    await this.#counted(snapshotsSent, () =>
      sendSnapshot(urls, this.#dialOptions(message.to), encodeMessage(message), state, {
        signal,
        onSent(bytes) {
          sent.count += bytes;
        },
      }),
    );
  }

  async #counted(counts: SnapshotCounts, work: () => Promise<void>): Promise<void> {
    const { clock } = this.#parts;
    const beganMs = clock.monotonicMs();
    counts.began();
    try {
      await work();
    } catch (error) {
      counts.failed();
      throw error;
    }
    counts.succeeded((clock.monotonicMs() - beganMs) / 1_000);
  }

  setPeers(peers: readonly { readonly id: MemberId; readonly urls: readonly string[] }[]): void {
    this.#members = new Map(peers.map((peer) => [peer.id, peer.urls]));
    // Whoever was removed connects again and hears why it is not wanted.
    for (const [socket, { from }] of this.#incoming) if (this.#isRemoved(from)) socket.destroy();
    this.#adjustLinks();
  }

  #adjustLinks(): void {
    if (this.#stopped) return;
    const connected = [...this.#incoming.values()].filter(({ from }) => !this.#isRemoved(from));
    const wanted = wantedLinks(this.#config.memberId, this.#members, connected);
    for (const [id, link] of this.#links) {
      if (wanted.has(id)) continue;
      link.close();
      this.#links.delete(id);
    }
    for (const [id, urls] of wanted) {
      const link = this.#links.get(id);
      if (link === undefined) this.#links.set(id, this.#link(id, urls));
      else link.urls = urls;
    }
  }

  /** Asks a member something (see `question.ts`). */
  ask(to: MemberId, kind: string, id: bigint, withinMs?: number): Promise<Uint8Array> {
    const link = this.#links.get(to);
    return link === undefined ? Promise.reject(new StoreError("NO_LEADER")) : link.ask(kind, id, withinMs);
  }

  connectedForMs(id: MemberId): number {
    return this.#links.get(id)?.connectedForMs ?? 0;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
    await Promise.all(this.#config.servers.map((server) => server.stop()));
  }

  #link(id: MemberId, urls: readonly string[]): OutgoingLink {
    const { clock, random, log } = this.#parts;
    return new OutgoingLink(id, urls, () => ({ ...this.#dialOptions(id), purpose: "messages" }), {
      clock,
      random,
      log,
      onSent: (bytes) => {
        this.#metrics.of(id).sent.count += bytes;
      },
      onSendFailure: () => this.#metrics.of(id).sendFailed(),
      onRemoved: () => this.#parts.onRemoved?.(),
      onDown: () => {
        this.#metrics.of(id).disconnected();
        this.#parts.onUnreachable?.(id);
      },
      onRoundTrip: (seconds) => this.#metrics.of(id).roundTrip(seconds),
    });
  }

  #dialOptions(to: MemberId) {
    const { clusterId, memberId, serverVersion, tls, localAddress } = this.#config;
    const peerUrls = this.#members.get(memberId) ?? [];
    const { clock } = this.#parts;
    return { clusterId, from: memberId, to, serverVersion, peerUrls, tls, localAddress, clock };
  }
}
