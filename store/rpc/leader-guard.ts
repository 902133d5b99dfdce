import type { Clock } from "../../base/os/clock.ts";
import { tellEach } from "../../base/tell-each.ts";
import type { Consensus } from "../driver/seams.ts";
import { StoreError } from "../errors.ts";
import type { Call, Outgoing, StreamHandler } from "./handler.ts";

/** Election timeouts without a leader after which streams that require one are ended (etcd's maxNoLeaderCnt). */
const patience = 3;

/** Refuses calls that require a leader while there is none, and ends such streams when it stays away. */
export class LeaderGuard {
  readonly #consensus: Pick<Consensus, "status" | "onLeadership">;
  readonly #clock: Pick<Clock, "after">;
  readonly #patienceMs: number;
  readonly #streams = new Set<Outgoing>();
  readonly #stopListening: () => void;
  #stopTimer: (() => void) | undefined;

  constructor(
    options: { readonly electionTimeoutMs: number },
    parts: {
      readonly consensus: Pick<Consensus, "status" | "onLeadership">;
      readonly clock: Pick<Clock, "after">;
    },
  ) {
    this.#consensus = parts.consensus;
    this.#clock = parts.clock;
    this.#patienceMs = patience * options.electionTimeoutMs;
    this.#stopListening = parts.consensus.onLeadership(({ leader }) => this.#changed(leader));
  }

  /** Throws NO_LEADER where the call must not go on. */
  check(call: Pick<Call, "requireLeader">): void {
    if (call.requireLeader && this.#consensus.status.leader === 0n) throw new StoreError("NO_LEADER");
  }

  stream(handler: StreamHandler): StreamHandler {
    return (out, call) => {
      this.check(call);
      if (!call.requireLeader) return handler(out, call);
      this.#streams.add(out);
      const incoming = handler(out, call);
      return {
        message: (bytes) => incoming.message(bytes),
        halfClose: () => incoming.halfClose(),
        drained: () => incoming.drained(),
        closed: () => {
          this.#streams.delete(out);
          incoming.closed();
        },
      };
    };
  }

  stop(): void {
    this.#stopListening();
    this.#stopTimer?.();
  }

  #changed(leader: bigint): void {
    if (leader !== 0n) {
      this.#stopTimer?.();
      this.#stopTimer = undefined;
    } else
      this.#stopTimer ??= this.#clock.after(this.#patienceMs, () => {
        this.#stopTimer = undefined;
        const streams = [...this.#streams];
        this.#streams.clear();
        tellEach(streams, (out) => out.end(new StoreError("NO_LEADER")));
      });
  }
}
