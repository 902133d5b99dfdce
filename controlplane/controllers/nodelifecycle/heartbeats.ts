import type { Clock } from "../../../base/os/clock.ts";
import type { Lease, Node } from "../../../client/types.ts";

/** When each node was last heard of, on our monotonic clock. Size: one entry a node. */
export class Heartbeats {
  readonly #clock: Clock;
  readonly #heard = new Map<string, { atMs: number; node: string; lease: string }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A node's status as it is now; a changed heartbeat is a sign of life. */
  sawNode(node: Node): void {
    const ready = node.status?.conditions?.find(({ type }) => type === "Ready");
    this.#saw(node.metadata.name, "node", `${node.metadata.uid} ${ready?.lastHeartbeatTime ?? ""}`);
  }

  sawLease(lease: Lease): void {
    this.#saw(lease.metadata.name, "lease", lease.spec?.renewTime ?? "");
  }

  /** Every node has its full grace period again. */
  startAnew(): void {
    const atMs = this.#clock.monotonicMs();
    for (const heard of this.#heard.values()) heard.atMs = atMs;
  }

  forget(node: string): void {
    this.#heard.delete(node);
  }

  /** How long the node has been silent, in ms. */
  silentMs(node: string): number {
    const heard = this.#heard.get(node);
    return heard === undefined ? 0 : this.#clock.monotonicMs() - heard.atMs;
  }

  #saw(name: string, what: "node" | "lease", sign: string): void {
    const atMs = this.#clock.monotonicMs();
    const heard = this.#heard.get(name);
    if (heard === undefined) this.#heard.set(name, { atMs, node: "", lease: "", [what]: sign });
    else if (heard[what] !== sign) {
      heard[what] = sign;
      heard.atMs = atMs;
    }
  }
}
