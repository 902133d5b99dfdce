import { exponentialBuckets, type Meter } from "../../../base/os/metrics.ts";
import type { Counting } from "../../../base/os/tally.ts";
import type { MemberId } from "../../raft/types.ts";

/** What is counted of one peer. */
export interface PeerCounts {
  readonly sent: Counting;
  readonly received: Counting;
  readonly sendFailed: () => void;
  readonly receiveFailed: () => void;
  /** The connection to it broke. */
  readonly disconnected: () => void;
  readonly snapshotsSent: SnapshotCounts;
  readonly snapshotsReceived: SnapshotCounts;
  readonly roundTrip: (seconds: number) => void;
}

/** What is counted of snapshots in one direction. */
export interface SnapshotCounts {
  began(): void;
  /** `tookSeconds`: since it began. */
  succeeded(tookSeconds: number): void;
  failed(): void;
}

/** Etcd's metrics of peers. Only members have label values of their own, by their ids; whoever else connects, or is connected
 *  back to, is counted as "unknown": ids are what connections say, and every new one would stay in the metrics for ever. */
export class PeerMetrics {
  readonly #isMember: (id: MemberId) => boolean;
  readonly #make: (name: string) => PeerCounts;
  readonly #unknown: PeerCounts;
  readonly #byMember = new Map<MemberId, PeerCounts>();

  constructor(meter: Meter, local: MemberId, isMember: (id: MemberId) => boolean) {
    const metrics = declare(meter);
    this.#isMember = isMember;
    const Local = local.toString(16);
    this.#make = (name) => ({
      sent: metrics.sentBytes.of({ To: name }),
      received: metrics.receivedBytes.of({ From: name }),
      sendFailed: () => metrics.sentFailures.inc({ To: name }),
      receiveFailed: () => metrics.receivedFailures.inc({ From: name }),
      disconnected: () => metrics.disconnected.inc({ Local, Remote: name }),
      snapshotsSent: metrics.snapshotsSent({ To: name }),
      snapshotsReceived: metrics.snapshotsReceived({ From: name }),
      roundTrip: (seconds) => metrics.roundTrip.observe({ To: name }, seconds),
    });
    this.#unknown = this.#make("unknown");
  }

  /** To be asked for whenever something is counted: who is unknown now may be a member the next moment. */
  of(id: MemberId): PeerCounts {
    if (!this.#isMember(id)) return this.#unknown;
    const known = this.#byMember.get(id);
    if (known !== undefined) return known;
    const counts = this.#make(id.toString(16));
    this.#byMember.set(id, counts);
    return counts;
  }
}

const declare = (meter: Meter) => ({
  sentBytes: meter.tally<"To">(
    "etcd_network_peer_sent_bytes_total",
    "The total number of bytes sent to peers.",
  ),
  receivedBytes: meter.tally<"From">(
    "etcd_network_peer_received_bytes_total",
    "The total number of bytes received from peers.",
  ),
  receivedFailures: meter.counter(
    "etcd_network_peer_received_failures_total",
    "The total number of receive failures from peers.",
    ["From"],
  ),
  disconnected: meter.counter(
    "etcd_network_disconnected_peers_total",
    "The total number of disconnected peers.",
    ["Local", "Remote"],
  ),
  snapshotsSent: snapshots(meter, "send", "To"),
  snapshotsReceived: snapshots(meter, "receive", "From"),
  sentFailures: meter.counter(
    "etcd_network_peer_sent_failures_total",
    "The total number of send failures from peers.",
    ["To"],
  ),
  roundTrip: meter.histogram(
    "etcd_network_peer_round_trip_time_seconds",
    "Round-Trip-Time histogram between peers",
    {
      labels: ["To"],
      buckets: exponentialBuckets(0.000_1, 2, 16),
    },
  ),
});

function snapshots<L extends string>(meter: Meter, what: "send" | "receive", label: L) {
  const name = (end: string) => `etcd_network_snapshot_${what}_${end}`;
  const success = meter.counter(name("success"), `Total number of successful snapshot ${what}s`, [label]);
  const failures = meter.counter(name("failures"), `Total number of snapshot ${what} failures`, [label]);
  const inFlight = meter.gauge(name("inflights_total"), `Total number of inflight snapshot ${what}s`, [
    label,
  ]);
  const seconds = meter.histogram(
    name("total_duration_seconds"),
    `Total latency distributions of v3 snapshot ${what}s`,
    { labels: [label], buckets: exponentialBuckets(0.1, 2, 10) },
  );
  return (labels: Record<L, string>): SnapshotCounts => ({
    began: () => inFlight.inc(labels),
    succeeded: (tookSeconds) => {
      inFlight.dec(labels);
      success.inc(labels);
      seconds.observe(labels, tookSeconds);
    },
    failed: () => {
      inFlight.dec(labels);
      failures.inc(labels);
    },
  });
}
