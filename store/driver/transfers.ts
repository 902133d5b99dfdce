import { StoreError } from "../errors.ts";
import type { RawNode } from "../raft/node.ts";
import type { MemberId } from "../raft/types.ts";

/** A transfer whose end somebody waits for. */
interface Awaited {
  readonly to: MemberId;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  ticks: number;
}

/** Who waits for leadership to go over. raft gives a transfer up after an election timeout, or for another transfer; then
 *  proposals are taken again, and whoever waits is told. */
export class Transfers {
  readonly #electionTicks: number;
  readonly #awaited = new Set<Awaited>();

  constructor(electionTicks: number) {
    this.#electionTicks = electionTicks;
  }

  /** Resolves when `to` leads; rejects when that is given up. */
  wait(to: MemberId): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#awaited.add({ to, resolve, reject, ticks: 0 });
    });
  }

  /** To be called when the leader changed. */
  led(leader: MemberId): void {
    for (const one of this.#awaited) if (one.to === leader) this.#settle(one, one.resolve);
  }

  /** To be called after raft's tick. */
  tick({ role, transferee }: Pick<RawNode, "role" | "transferee">): void {
    for (const one of this.#awaited) {
      one.ticks += 1;
      // Who stepped down meanwhile did so for an election, which takes up to another timeout.
      const isOver = role === "leader" ? transferee !== one.to : one.ticks >= 2 * this.#electionTicks;
      if (isOver) this.#settle(one, () => one.reject(new StoreError("TIMEOUT_LEADER_TRANSFER")));
    }
  }

  stop(): void {
    for (const one of this.#awaited) this.#settle(one, () => one.reject(new StoreError("STOPPED")));
  }

  #settle(one: Awaited, tell: () => void): void {
    this.#awaited.delete(one);
    tell();
  }
}
