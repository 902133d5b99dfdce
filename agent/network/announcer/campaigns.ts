import { deferred } from "../../../base/deferred.ts";
import { sleep } from "../../../base/os/clock.ts";
import type { Os } from "../../../base/os/os.ts";
import type { TaskScope } from "../../../base/os/task-scope.ts";
import type { ApiClient } from "../../../client/api.ts";
import type { ElectionTimes } from "../../../client/election.ts";
import { LeaderElector } from "../../../client/leader-election.ts";
import { announcementLease, announcementNamespace } from "../../../client/rules/load-balancer.ts";
import type { Announcement } from "./plan-announcements.ts";

/** What a holder does with an address. */
export interface AddressKeeper {
  /** The node has it until then, on the monotonic clock. */
  hold(address: string, untilMs: number): Promise<void>;
  drop(address: string): Promise<void>;
  /** Tells the neighbours whose it is. */
  announce(address: string): Promise<void>;
}

export interface CampaignsParts {
  readonly nodeName: string;
  readonly os: Pick<Os, "clock" | "random" | "log">;
  readonly client: Pick<ApiClient, "get" | "create" | "update" | "watch">;
  readonly keeper: AddressKeeper;
  readonly tasks: TaskScope;
}

/** Others take over a quarter of a second before a lease ends; the kernel has taken the address back by about then. */
const times: ElectionTimes = { leaseDurationMs: 3_000, renewDeadlineMs: 2_000, retryPeriodMs: 700 };
/** So much does each node let those that go before it. */
const headStartMs = 300;
const rankMost = 10;
/** Said again, for a frame may be lost, and a predecessor's kernel may have answered for a moment more. */
const announcedAfterMs = [0, 1_000, 1_000];
const retryMs = 10_000;

/** Stands for the Leases of addresses, and answers at those that it holds.
 *  Invariant: of an address there is one campaign at a time. */
export class Campaigns {
  readonly #parts: CampaignsParts;
  readonly #running = new Map<string, AbortController>();
  #wanted: ReadonlyMap<string, Announcement> = new Map();

  constructor(parts: CampaignsParts) {
    this.#parts = parts;
  }

  /** Campaigns for these and no others. What is held and not wanted is given up at once. */
  update(announcements: readonly Announcement[]): void {
    this.#wanted = new Map(announcements.map((one) => [one.address, one]));
    for (const [address, end] of this.#running)
      if (!this.#wanted.has(address)) end.abort(new Error("the address is not this node's to answer at"));
    for (const one of announcements) if (!this.#running.has(one.address)) this.#begin(one);
  }

  #begin({ address, rank }: Announcement): void {
    const { tasks } = this.#parts;
    if (tasks.signal.aborted) return;
    const end = new AbortController();
    this.#running.set(address, end);
    tasks.run(`load balancer ${address}`, async (stopped) => {
      const signal = AbortSignal.any([stopped, end.signal]);
      try {
        await this.#campaign(address, rank, signal);
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        this.#running.delete(address);
      }
      // Wanted again before the end.
      const again = this.#wanted.get(address);
      if (again !== undefined && !stopped.aborted) this.#begin(again);
    });
  }

  async #campaign(address: string, rank: number, signal: AbortSignal): Promise<void> {
    const { os } = this.#parts;
    await sleep(os.clock, Math.min(rank, rankMost) * headStartMs, signal);
    while (!signal.aborted) {
      const failure = await this.#stand(address, signal);
      if (failure === undefined) return;
      os.log.warn("cannot answer at a load balancer's address; another node may", {
        address,
        error: failure,
      });
      await sleep(os.clock, retryMs, signal);
    }
  }

  /** Campaigns and answers until the signal aborts, or the address cannot be had: answers why. */
  async #stand(address: string, signal: AbortSignal): Promise<unknown> {
    const { nodeName, os, client, keeper } = this.#parts;
    const failed = new AbortController();
    /** Of the newest renewal. */
    let held: Promise<void> = Promise.resolve();
    const elector = new LeaderElector(
      {
        name: announcementLease(address),
        namespace: announcementNamespace,
        identity: nodeName,
        times,
        onRenewed: (untilMs) => {
          held = keeper.hold(address, untilMs);
          held.catch((error: unknown) => failed.abort(error));
        },
        onStartedLeading: async (leading) => {
          try {
            await held.then(
              () => this.#answer(address, leading),
              () => undefined, // heard above
            );
          } finally {
            await held.catch(() => undefined); // heard above
            await keeper.drop(address).catch((error: unknown) => {
              os.log.warn("the kernel keeps a load balancer's address for a moment more", { address, error });
            });
          }
        },
      },
      { client, clock: os.clock, random: os.random, log: os.log },
    );
    await elector.run(AbortSignal.any([signal, failed.signal]));
    return failed.signal.aborted ? failed.signal.reason : undefined;
  }

  /** Says so, and resolves when it is this node's no more. */
  async #answer(address: string, leading: AbortSignal): Promise<void> {
    const { os, keeper } = this.#parts;
    const over = deferred<void>();
    const end = () => over.resolve();
    leading.addEventListener("abort", end, { once: true });
    if (leading.aborted) return;
    os.log.info("answers at a load balancer's address", { address });
    try {
      for (const afterMs of announcedAfterMs) {
        await sleep(os.clock, afterMs, leading);
        await keeper.announce(address);
      }
    } catch (error) {
      if (!leading.aborted)
        os.log.warn("cannot tell the neighbours of a load balancer's address; they learn of it as they ask", {
          address,
          error,
        });
    }
    await over.promise;
  }
}
