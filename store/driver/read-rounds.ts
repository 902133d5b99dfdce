import { StoreError } from "../errors.ts";
import type { Index } from "../raft/types.ts";

/** Linearizable reads of this member that may wait for their index. */
const waitersMax = 16_384;

interface Waiter {
  readonly resolve: (index: Index) => void;
  readonly reject: (error: unknown) => void;
  readonly sinceTick: number;
  readonly detach: () => void;
}

interface Round {
  readonly waiters: readonly Waiter[];
  readonly sinceTick: number;
}

/** Gathers reads into rounds: all that wait when a round starts share it; those that come later wait for the next, since
 *  the running one may have been answered before they came. A round without answer is asked again under a new id. */
export class ReadRounds {
  readonly #nextId: () => bigint;
  readonly #retryTicks: number;
  readonly #timeoutTicks: number;
  #waiting: Waiter[] = [];
  readonly #rounds = new Map<bigint, Round>();
  #tick = 0;

  constructor(options: {
    /** Ids that neither this nor an earlier life of the member used. */
    readonly nextId: () => bigint;
    readonly retryTicks: number;
    readonly timeoutTicks: number;
  }) {
    this.#nextId = options.nextId;
    this.#retryTicks = options.retryTicks;
    this.#timeoutTicks = options.timeoutTicks;
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  wait(signal: AbortSignal | undefined): Promise<Index> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#waiting.length >= waitersMax) return Promise.reject(new StoreError("TOO_MANY_REQUESTS"));
    return new Promise((resolve, reject) => {
      const onAbort = () => reject(signal?.reason); // it stays in its round, which will settle it in vain
      signal?.addEventListener("abort", onAbort, { once: true });
      const detach = () => signal?.removeEventListener("abort", onAbort);
      this.#waiting.push({ resolve, reject, sinceTick: this.#tick, detach });
    });
  }

  /** Starts a round for all that wait. `ask` answers false when nobody can be asked; then they go on waiting. */
  start(ask: (id: bigint) => boolean): void {
    if (this.#waiting.length === 0) return;
    const id = this.#nextId();
    if (!ask(id)) return;
    this.#rounds.set(id, { waiters: this.#waiting, sinceTick: this.#tick });
    this.#waiting = [];
  }

  answered(id: bigint, index: Index): void {
    const round = this.#rounds.get(id);
    if (round === undefined) return; // asked again meanwhile
    this.#rounds.delete(id);
    for (const waiter of round.waiters) {
      waiter.detach();
      waiter.resolve(index);
    }
  }

  /** Who was asked is gone: everybody waits for the next round. */
  restart(): void {
    for (const [id, round] of this.#rounds) this.#requeue(id, round);
  }

  #requeue(id: bigint, round: Round): void {
    this.#rounds.delete(id);
    this.#waiting = [...round.waiters, ...this.#waiting];
  }

  /** Time passes: asks again what got no answer, gives up what waited too long. */
  tick(error: () => StoreError): void {
    this.#tick += 1;
    for (const [id, round] of this.#rounds) {
      if (this.#tick - round.sinceTick >= this.#retryTicks) this.#requeue(id, round);
    }
    if (this.#waiting.length === 0) return;
    const isLate = (waiter: Waiter) => this.#tick - waiter.sinceTick >= this.#timeoutTicks;
    const late = this.#waiting.filter(isLate);
    if (late.length === 0) return;
    this.#waiting = this.#waiting.filter((waiter) => !isLate(waiter));
    for (const waiter of late) {
      waiter.detach();
      waiter.reject(error());
    }
  }

  stop(error: StoreError): void {
    this.restart();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const waiter of waiting) {
      waiter.detach();
      waiter.reject(error);
    }
  }
}
