import { assert } from "../../base/assert.ts";
import { failpoint } from "../../base/failpoints/failpoint.ts";
import { type Sliced, type Soon, type Turns, Unfinished } from "../../base/slices.ts";
import { WireError } from "../../base/wire.ts";
import type { Backend } from "../backend/backend.ts";
import { StoreError } from "../errors.ts";
import type { ConfChange, ConfState, Entry, Index, Term } from "../raft/types.ts";
import { refuseByAlarm } from "./alarm-guard.ts";
import { type AppliedAt, AppliedWaiters, writeAppliedAt } from "./applied-index.ts";
import { type ApplyParts, applyRequest } from "./apply-request.ts";
import type { ApplyTimes } from "./apply-times.ts";
import { writeConfState } from "./conf-state.ts";
import { type LoggedRequest, loggedRequest, type RequestKind } from "./logged-request.ts";
import { addedBytes, type Quota } from "./quota.ts";
import { refuseByRights } from "./rights-guard.ts";
import type { AppliedListener, ApplyResponse, ApplyResult } from "./types.ts";

/** Bugs that simulation plants, by name. */
export interface ApplyFaults {
  /** The applied index is saved only when somebody flushes, so that after a crash the log is replayed over effects that
   *  are there already. */
  readonly applyTwiceAfterRestart?: true;
  /** What a full database has no room for is written all the same. */
  readonly growPastAlarm?: true;
  /** Some values become others. */
  readonly appliesElse?: true;
}

const beforeEntry = failpoint("beforeApplyOneEntryNormal");
const beforeConfChange = failpoint("beforeApplyOneConfChange");
const beforeIndex = failpoint("commitBeforePreCommitHook");
const afterIndex = failpoint("commitAfterPreCommitHook");

/** The log holds something this version cannot apply; going on would make this member differ from the others. */
export class UnknownEntryError extends Error {
  override readonly name = "UnknownEntryError";

  constructor(entry: Entry, detail: string) {
    super(
      `log entry ${entry.index} (term ${entry.term}, ${entry.data.length} bytes) ${detail}; ` +
        "it was written by a newer version or is damaged: upgrade this member, or remove it and add it again with an empty data directory",
    );
  }
}

export interface MachineParts extends ApplyParts {
  readonly onApplied: AppliedListener;
  /** The first entry of a term was applied, with which its leader begins it. */
  readonly onTermApplied: (term: Term) => void;
  /** A write was applied although the quota is used up: raise the NOSPACE alarm through the log. */
  readonly onNoSpace: () => void;
  readonly quota: Quota;
  readonly turns: Turns;
  readonly times: ApplyTimes;
  readonly faults?: ApplyFaults;
}

/** Applies committed entries; the synchronous half of the driver's `StateMachine` (`state.ts` adds snapshots). */
export class EntryApplier {
  readonly #parts: MachineParts;
  readonly waiters = new AppliedWaiters();
  #at: AppliedAt;
  #conf: ConfState;
  /** When the present go began. */
  #startMs = 0;

  constructor(parts: MachineParts, at: AppliedAt, conf: ConfState) {
    this.#parts = parts;
    this.#at = at;
    this.#conf = conf;
  }

  get appliedIndex(): Index {
    return this.#at.index;
  }
  get appliedAt(): AppliedAt {
    return this.#at;
  }
  get confState(): ConfState {
    return this.#conf;
  }

  /** Entries up to the applied index are skipped; those after it must follow without a gap. A large one takes several turns:
   *  then this answers when it will be applied, and what follows it is to be handed in again. */
  apply(entries: readonly Entry[]): Promise<void> | undefined {
    const { times } = this.#parts;
    this.#startMs = times.nowMs();
    const work = this.#applyAll(entries);
    times.tell(this.#startMs);
    return work;
  }

  #applyAll(entries: readonly Entry[]): Promise<void> | undefined {
    const before = this.#at.index;
    for (const entry of entries) {
      if (entry.index <= this.#at.index) continue;
      this.#checkNext(entry.index);
      if (entry.type === "normal" && entry.data.length > 0) {
        const work = beforeEntry.armed ? "later" : this.#applyNormal(entry);
        if (work !== undefined) {
          if (this.#at.index > before) this.#commit(); // what came before it is a group of its own
          return work === "later" ? this.#applyLater(entry) : this.#goOn(work, entry);
        }
      }
      const isFirstOfTerm = entry.term !== this.#at.term;
      this.#at = { index: entry.index, term: entry.term };
      if (isFirstOfTerm) this.#parts.onTermApplied(entry.term);
    }
    if (this.#at.index > before) this.#commit();
    return undefined;
  }

  /** Others go on while an armed failpoint lets an entry wait. */
  async #applyLater(entry: Entry): Promise<void> {
    await beforeEntry.pass();
    const work = this.#applyNormal(entry);
    if (work !== undefined) return this.#goOn(work, entry);
    this.#at = { index: entry.index, term: entry.term };
    this.#commit();
  }

  async #goOn(work: Sliced<void>, { index, term }: Entry): Promise<void> {
    do await this.#parts.turns.next();
    while (!work.next().done);
    this.#at = { index, term }; // in the turn in which the effects took place
    this.#commit();
  }

  applyConfChange(change: ConfChange, at: AppliedAt): ConfState {
    if (at.index <= this.#at.index) return this.#conf;
    this.#checkNext(at.index);
    if (beforeConfChange.armed) beforeConfChange.block();
    const backend = this.#parts.backend();
    this.#conf = this.#parts.membership.applyConfChange(change, at, backend);
    writeConfState(backend, this.#conf);
    this.#at = at;
    this.#commit();
    return this.#conf;
  }

  /** A snapshot replaced the state. */
  restored(at: AppliedAt, conf: ConfState): void {
    this.#at = at;
    this.#conf = conf;
    this.waiters.reached(at.index);
  }

  async flush(): Promise<AppliedAt> {
    const at = this.#at;
    const backend = this.#parts.backend();
    if (this.#parts.faults?.applyTwiceAfterRestart) {
      writeAppliedAt(backend, at);
      backend.commit();
    }
    await backend.flush();
    return at;
  }

  #checkNext(index: Index): void {
    if (index !== this.#at.index + 1)
      assert(false, `entry ${index} does not follow the applied ${this.#at.index}`);
  }

  #commit(): void {
    const backend: Backend = this.#parts.backend();
    if (beforeIndex.armed) beforeIndex.block();
    if (!this.#parts.faults?.applyTwiceAfterRestart) writeAppliedAt(backend, this.#at);
    if (afterIndex.armed) afterIndex.block();
    backend.commit();
    this.waiters.reached(this.#at.index);
  }

  /** What is left to do in later turns; undefined where all is done. */
  #applyNormal(entry: Entry): Sliced<void> | undefined {
    const read = readEntry(entry);
    const request = this.#parts.faults?.appliesElse ? otherThan(read, entry.index) : read;
    entry.content = undefined;
    const { kind } = request;
    let room: boolean;
    let response: Soon<ApplyResponse>;
    try {
      room = this.#admit(request);
      response = applyRequest(request, entry.index, this.#parts);
    } catch (error) {
      this.#tell(request, refused(error), entry.index);
      return undefined;
    }
    if (response instanceof Unfinished) {
      const work = this.#applyRest(response.rest, { request, room, index: entry.index });
      return work.next().done ? undefined : work;
    }
    this.#tell(request, this.#outcome(kind, response, room), entry.index);
    return undefined;
  }

  #tell(request: LoggedRequest, result: ApplyResult, index: Index): void {
    const { times, onApplied } = this.#parts;
    const failure = failureOf(result);
    times.applied(request, failure === undefined);
    if (failure !== undefined) times.failed(request, failure, this.#startMs);
    onApplied(request.id, result, index);
  }

  *#applyRest(rest: Sliced<ApplyResponse>, { request, room, index }: Begun): Sliced<void> {
    const { times } = this.#parts;
    const startMs = times.nowMs();
    let result: ApplyResult;
    try {
      result = this.#outcome(request.kind, yield* rest, room);
    } catch (error) {
      result = refused(error);
    }
    const failure = failureOf(result);
    times.alone(request, failure === undefined, startMs);
    if (failure !== undefined) times.failed(request, failure, startMs);
    this.#parts.onApplied(request.id, result, index);
  }

  /** Whether the quota has room for it. Throws StoreError where an alarm forbids it, or who asks may not. */
  #admit(request: LoggedRequest): boolean {
    const { alarms, auth, quota, faults } = this.#parts;
    const added = addedBytes(request);
    refuseByAlarm(alarms, request.kind, faults?.growPastAlarm ? 0 : added);
    if (auth.isOn) refuseByRights(request, this.#parts);
    return quota.allows(added);
  }

  /** As in etcd a write beyond the quota stands (all members must agree on it) while its sender is told to stop. */
  #outcome(kind: RequestKind, response: ApplyResponse, room: boolean): ApplyResult {
    const { onNoSpace, mvcc } = this.#parts;
    if (room) return { ok: true, kind, response, revision: mvcc.revision };
    onNoSpace();
    return { ok: false, error: new StoreError("NO_SPACE") };
  }
}

/** A request that takes slices. */
interface Begun {
  readonly request: LoggedRequest;
  /** Whether the quota had room for it. */
  readonly room: boolean;
  readonly index: Index;
}

/** etcd counts a compaction that came too late, or a read of what is compacted, as one that went well. */
function failureOf(result: ApplyResult): StoreError | undefined {
  return result.ok || result.error.code === "COMPACTED" ? undefined : result.error;
}

/** Throws what is no StoreError. */
function refused(error: unknown): ApplyResult {
  if (error instanceof StoreError) return { ok: false, error };
  throw error;
}

/** What a member with that bug takes for the request. */
const otherThan = (read: LoggedRequest, index: Index): LoggedRequest =>
  read.kind === "put" && index % 20 === 0
    ? { ...read, body: { ...read.body, value: Uint8Array.of(index & 0xff) } }
    : read;

function readEntry(entry: Entry): LoggedRequest {
  try {
    const request = loggedRequest(entry);
    if (request !== undefined) return request;
  } catch (error) {
    if (error instanceof WireError) throw new UnknownEntryError(entry, `cannot be read (${error.message})`);
    throw error;
  }
  throw new UnknownEntryError(entry, "holds a request of an unknown kind");
}
