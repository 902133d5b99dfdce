import type { Buckets } from "../../../base/os/tally.ts";
import type { Encodable } from "../../../base/protobuf.ts";
import {
  type WatchCreateRequest,
  type WatchResponse,
  watchRequest,
  watchResponse,
} from "../../../proto/etcd.ts";
import { StoreError } from "../../errors.ts";
import type { WatchBatch } from "../../watch/event-bytes.ts";
import type { Call, Incoming, Outgoing } from "../handler.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";
import { messageOverheadBytes } from "../message-overhead.ts";
import { createProblem, watchedRange, watchRefusal } from "./create-problem.ts";
import { DelayedAnswers } from "./delayed-answers.ts";
import { fragments } from "./fragments.ts";
import { StreamWatch } from "./stream-watch.ts";

export const watchLimits = {
  /** Watches on one stream. */
  watchesMax: 100_000,
  /** A request for progress that finds watches behind is looked at again after so long. */
  progressRetryMs: 50,
} as const;
/** The id of answers that belong to no watch, or to all. */
const noWatchId = -1n;

/** One client's stream of watches.
 *  Invariant: `created` is the first message of a watch, `canceled` its last, but for the answer to a cancellation. */
export class WatchStream implements Incoming {
  readonly #out: DelayedAnswers;
  readonly #call: Call;
  readonly #parts: MemberParts;
  readonly #progressEveryMs: number;
  readonly #watches = new Map<bigint, StreamWatch>();
  /** Ids of watches that compaction ended and the client has not cancelled: still taken, as in etcd. */
  readonly #endedIds = new Set<bigint>();
  /** The client keeps up: the transport's buffer has room. */
  hasRoom = true;
  #nextId = 0n;
  #over = false;
  #stopProgress: (() => void) | undefined;
  #stopRetry: (() => void) | undefined;

  constructor(
    out: Outgoing,
    { parts, call }: { readonly parts: MemberParts; readonly call: Call },
    options: { readonly progressEveryMs: number },
  ) {
    this.#out = new DelayedAnswers(out, parts.clock, () => this.drained());
    this.#call = call;
    this.#parts = parts;
    this.#progressEveryMs = options.progressEveryMs;
    parts.metrics.watchStreams.count++;
  }

  message(bytes: Uint8Array): void | Promise<void> {
    const { createRequest, cancelRequest, progressRequest } = watchRequest.decode(bytes);
    if (createRequest !== undefined && this.#parts.access.isOn) return this.#createAsAsker(createRequest);
    if (createRequest !== undefined) this.#create(createRequest);
    else if (cancelRequest !== undefined) this.#cancel(cancelRequest.watchId);
    else if (progressRequest !== undefined) this.#answerProgress();
  }

  /** The client asks for nothing more; what it asked for goes on until it leaves. */
  halfClose(): void {}

  drained(): void {
    this.hasRoom = true;
    for (const watch of this.#watches.values()) watch.handle.resume();
  }

  closed(): void {
    this.#over = true;
    this.#out.closed();
    this.#parts.metrics.watchStreams.count--;
    for (const watch of this.#watches.values()) watch.handle.cancel();
    this.#watches.clear();
    this.#stopProgress?.();
    this.#stopRetry?.();
  }

  /** Rights are looked at when a watch is created, and not again, as in etcd: it goes on when they are taken away. */
  async #createAsAsker(request: WatchCreateRequest): Promise<void> {
    const { access } = this.#parts;
    let refusal: string | undefined;
    try {
      access.rights.range(watchedRange(request), await access.askerOf(this.#call));
    } catch (error) {
      refusal = watchRefusal(error);
    }
    if (!this.#over) this.#create(request, refusal);
  }

  #create(request: WatchCreateRequest, refusal?: string): void {
    if (this.#watches.size + this.#endedIds.size >= watchLimits.watchesMax)
      throw new StoreError("TOO_MANY_REQUESTS");
    const problem = createProblem(request, (id) => this.#isTaken(id), refusal);
    if (problem !== undefined) {
      this.#control({ watchId: noWatchId, created: true, canceled: true, cancelReason: problem });
      return;
    }
    const id = request.watchId === 0n ? this.#freeId() : request.watchId;
    this.#control({ watchId: id, created: true });
    const watch = new StreamWatch(request, { id, stream: this, watches: this.#parts.watches });
    this.#watches.set(id, watch);
    if (watch.progressNotify && this.#stopProgress === undefined) this.#scheduleProgress();
  }

  #cancel(id: bigint): void {
    const watch = this.#watches.get(id);
    if (watch !== undefined) this.#forget(watch);
    else if (!this.#endedIds.delete(id)) return;
    this.#control({ watchId: id, canceled: true });
  }

  /** Only for watches of this stream that are not over. */
  deliver({ id, fragment }: StreamWatch, batch: WatchBatch): void {
    this.#out.passFailpoint();
    if (fragment) this.#deliverFragments(id, batch);
    else this.hasRoom = this.#out.sendParts(batch.head(id, this.#parts.headerBytes), batch.body);
  }

  #deliverFragments(watchId: bigint, { revision, events }: WatchBatch): void {
    const response = { header: header(this.#parts, revision), watchId, events };
    const messageBytesMax = this.#parts.limits.maxRequestBytes + messageOverheadBytes;
    for (const bytes of fragments(response, messageBytesMax)) this.hasRoom = this.#out.send(bytes);
  }

  compacted(watch: StreamWatch, compactRevision: number): void {
    this.#forget(watch);
    this.#endedIds.add(watch.id);
    this.#send({ header: header(this.#parts, 0), watchId: watch.id, canceled: true, compactRevision });
  }

  #forget(watch: StreamWatch): void {
    this.#watches.delete(watch.id);
    watch.handle.cancel();
  }

  /** For the whole stream, once every watch has got all there is; until then the question stays open. */
  #answerProgress(): void {
    if (this.#stopRetry !== undefined || this.#over || this.#watches.size === 0) return;
    this.#parts.watches.tell(); // so that it says how far the state is, not how far it was
    let revision = this.#parts.state.revision;
    for (const { handle } of this.#watches.values()) {
      if (handle.progressRevision === undefined) {
        this.#stopRetry = this.#parts.clock.after(watchLimits.progressRetryMs, () => {
          this.#stopRetry = undefined;
          this.#answerProgress();
        });
        return;
      }
      revision = Math.min(revision, handle.progressRevision);
    }
    this.#send({ header: header(this.#parts, revision), watchId: noWatchId });
  }

  #scheduleProgress(): void {
    this.#stopProgress = this.#parts.clock.after(this.#progressEveryMs, () => {
      this.#timed(this.#parts.metrics.watchProgress, () => this.#tellProgress());
      this.#scheduleProgress();
    });
  }

  #tellProgress(): void {
    for (const watch of this.#watches.values()) {
      const revision = watch.handle.progressRevision;
      if (!this.hasRoom) break; // a client that does not read is told later how far it is
      if (watch.progressNotify && !watch.busy && revision !== undefined)
        this.#send({ header: header(this.#parts, revision), watchId: watch.id });
      watch.busy = false;
    }
  }

  #isTaken(id: bigint): boolean {
    return this.#watches.has(id) || this.#endedIds.has(id);
  }

  #freeId(): bigint {
    while (this.#isTaken(this.#nextId)) this.#nextId += 1n;
    const id = this.#nextId;
    this.#nextId += 1n;
    return id;
  }

  #control(response: Encodable<WatchResponse>): void {
    this.#timed(this.#parts.metrics.watchControl, () => this.#send(response));
  }

  #timed(times: Buckets, work: () => void): void {
    const { clock } = this.#parts;
    const beganMs = clock.monotonicMs();
    work();
    times.observe((clock.monotonicMs() - beganMs) / 1_000);
  }

  #send(response: Encodable<WatchResponse>): void {
    this.hasRoom = this.#out.send(watchResponse.encode({ header: header(this.#parts), ...response }));
  }
}
