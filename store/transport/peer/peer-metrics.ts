import type { Meter } from "../../../base/os/metrics.ts";
import type { Counting } from "../../../base/os/tally.ts";
import type { MemberId } from "../../raft/types.ts";

/** What is counted of one peer. */
export interface PeerCounts {
  readonly sent: Counting;
  readonly received: Counting;
  readonly sendFailed: () => void;
  readonly roundTrip: (seconds: number) => void;
}

/** Etcd's metrics of peers. Only members have label values of their own, by their ids; whoever else connects, or is connected
 *  back to, is counted as "unknown": ids are what connections say, and every new one would stay in the metrics for ever. */
export class PeerMetrics {
  readonly #isMember: (id: MemberId) => boolean;
  readonly #make: (name: string) => PeerCounts;
  readonly #unknown: PeerCounts;
  readonly #byMember = new Map<MemberId, PeerCounts>();

  constructor(meter: Meter, isMember: (id: MemberId) => boolean) {
    const metrics = declare(meter);
    this.#isMember = isMember;
    this.#make = (name) => ({
      sent: metrics.sentBytes.of({ To: name }),
      received: metrics.receivedBytes.of({ From: name }),
      sendFailed: () => metrics.sentFailures.inc({ To: name }),
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
