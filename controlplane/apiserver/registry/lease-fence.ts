import type { Meter } from "../../../base/os/metrics.ts";
import type { Counting, TallyFamily } from "../../../base/os/tally.ts";
import type { HeldLease } from "../../../client/held-lease.ts";
import type { Lease } from "../../../client/types.ts";
import { leaseNotHeld, serviceUnavailable } from "../api-error.ts";
import { type CurrentState, firstState, liveState, stateOf } from "./current-state.ts";
import type { Kind } from "./kind.ts";
import type { RegistryDeps } from "./registry-deps.ts";
import type { CommitResult, Transaction } from "./storage.ts";
import { objectKey } from "./stored-object.ts";

/** What one request says of the Lease under which it was decided. */
export class LeaseClaim {
  readonly lease: HeldLease;
  /** True once something was stored while the Lease was held so. */
  isProven = false;

  constructor(lease: HeldLease) {
    this.lease = lease;
  }
}

/** Renewals in a row that may come between reading the Lease and writing. */
const attemptsMax = 20;

type Deps = Pick<RegistryDeps, "storage" | "hub">;
type Counts = TallyFamily<"result", Counting>;

/** Refuses what was decided under a Lease that is another's by now. The Lease is compared in the transaction that stores, so
 *  that between this answer and the write nobody can have taken it, whatever server they asked. Clocks do not count: a Lease
 *  that ran out is held until somebody takes it. */
export class LeaseFence {
  readonly #deps: Deps;
  readonly #kind: Kind;
  readonly #counts: Counts | undefined;

  constructor(kind: Kind, deps: Deps, meter?: Meter) {
    this.#kind = kind;
    this.#deps = deps;
    this.#counts = meter?.tally<"result">(
      "pintle_apiserver_lease_fenced_writes_total",
      "Writes that said under which Lease they were decided, by what became of them (stored, refused)",
    );
  }

  /** As the storage's own commit. Fails with LeaseNotHeld where the claim does not hold; then nothing is stored. */
  async commit(claim: LeaseClaim | undefined, transaction: Transaction): Promise<CommitResult> {
    const { storage } = this.#deps;
    if (claim === undefined) return storage.commit(transaction);
    const { compare, writes } = transaction;
    const key = this.#keyOf(claim);
    let state = await this.#held(claim, await firstState(this.#deps, this.#kind, key));
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      const result = await storage.commit({
        compare: [...compare, { key, modRevision: state.modRevision }],
        writes,
      });
      if (result.ok) {
        claim.isProven = true;
        this.#count("stored");
        return result;
      }
      const current = result.current.slice(0, compare.length);
      const isOvertaken = compare.some(
        ({ modRevision }, at) => (current[at]?.modRevision ?? 0) !== modRevision,
      );
      if (isOvertaken) return { ...result, current };
      state = await this.#held(claim, stateOf(this.#kind, result.current[compare.length]));
    }
    throw serviceUnavailable("the Lease was renewed again and again; nothing was stored");
  }

  /** For requests that stored nothing: fails with LeaseNotHeld unless the claim holds now. */
  async prove(claim: LeaseClaim | undefined): Promise<void> {
    if (claim === undefined || claim.isProven) return;
    await this.#held(claim, await liveState(this.#deps, this.#kind, this.#keyOf(claim)));
  }

  #keyOf({ lease }: LeaseClaim): string {
    return objectKey(this.#kind, lease.namespace, lease.name);
  }

  /** A state in which the Lease is held so. */
  async #held(claim: LeaseClaim, found: CurrentState | undefined): Promise<CurrentState> {
    if (found !== undefined && isHeld(claim.lease, found)) return found;
    // What the cache shows may be old.
    if (found !== undefined && !found.isLive)
      return this.#held(claim, await liveState(this.#deps, this.#kind, this.#keyOf(claim)));
    this.#count("refused");
    throw leaseNotHeld(claim.lease, found && (found.object as unknown as Lease));
  }

  #count(result: "stored" | "refused"): void {
    if (this.#counts !== undefined) this.#counts.of({ result }).count++;
  }
}

function isHeld({ holder, transitions, uid }: HeldLease, { object }: CurrentState): boolean {
  const { spec, metadata } = object as unknown as Lease;
  return (
    spec?.holderIdentity === holder &&
    (spec.leaseTransitions ?? 0) === transitions &&
    (uid === undefined || uid === metadata.uid)
  );
}
