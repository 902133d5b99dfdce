import { backoffMs } from "../../base/backoff.ts";
import { type Deferred, deferred } from "../../base/deferred.ts";
import { sleep } from "../../base/os/clock.ts";
import type { Os } from "../../base/os/os.ts";
import type { TaskScope } from "../../base/os/task-scope.ts";
import type { ApiClient } from "../../client/api.ts";
import { ApiError, isConflict, isNotFound } from "../../client/api-error.ts";
import { resources } from "../../client/resources.ts";
import type { Pod, PodStatus } from "../../client/types.ts";
import { hasStatus, statusPatch } from "./status-patch.ts";

const retry = { firstMs: 200, mostMs: 10_000 };

interface Entry {
  /** The newest status, and the pod as it was when that was found. */
  wanted: {
    readonly pod: Pod;
    readonly status: PodStatus;
    readonly patch: object;
    readonly text: string;
    /** By the monotonic clock. */
    readonly notBeforeMs: number;
  };
  /** What the server was last known to have. */
  sent: { readonly text: string } | undefined;
  /** Ends the loop that sends; absent while there is nothing to send. */
  sending: AbortController | undefined;
  /** Set by an answer that will be the same next time: nobody waits for this status any more. */
  refused: string | undefined;
  /** Ends a wait between two tries, or for a status' time. */
  wake: () => void;
  /** The status' time has not come. */
  isHeld: boolean;
  readonly waiters: Set<Deferred<void>>;
}

/** Sends pods' statuses to the API, each pod's in a loop of its own: nobody who sets one waits for the server. */
export class PodStatuses {
  readonly #client: Pick<ApiClient, "patch">;
  readonly #os: Pick<Os, "clock" | "random" | "log">;
  readonly #tasks: TaskScope;
  readonly #inApi: (pod: Pod) => Pod | undefined;
  /** By the uid that the node knows a pod by. */
  readonly #entries = new Map<string, Entry>();

  /** `inApi` tells how the API knows a pod, if it does. */
  constructor(
    client: Pick<ApiClient, "patch">,
    os: Pick<Os, "clock" | "random" | "log">,
    tasks: TaskScope,
    inApi: (pod: Pod) => Pod | undefined = (pod) => pod,
  ) {
    this.#inApi = inApi;
    this.#client = client;
    this.#os = os;
    this.#tasks = tasks;
  }

  /** The pod's status from now on. What was not sent yet is sent no more. Where the API does not know the pod, nobody is told: it
   *  is set again once that does.
   *  @param holdMs So long it is not sent, for another is expected to follow; one held status after another does not prolong it. */
  set(own: Pod, status: PodStatus, holdMs = 0): void {
    const { uid } = own.metadata;
    const pod = this.#inApi(own);
    if (pod === undefined) return;
    const patch = statusPatch(pod, status);
    const before = this.#entries.get(uid);
    const sinceMs = this.#os.clock.monotonicMs() + holdMs;
    const notBeforeMs = before?.isHeld ? Math.min(sinceMs, before.wanted.notBeforeMs) : sinceMs;
    const wanted = { pod, status, patch, text: JSON.stringify(patch), notBeforeMs };
    const entry = before ?? newEntry(wanted);
    this.#entries.set(uid, entry);
    entry.wanted = wanted;
    if (this.#isSent(entry)) {
      this.#settle(entry);
      return;
    }
    if (entry.sending !== undefined) {
      // What was refused, or held, is not this; what could not be sent waits for its turn.
      if (entry.refused !== undefined || entry.isHeld) entry.wake();
      return;
    }
    const stop = new AbortController();
    entry.sending = stop;
    this.#tasks.run(`status of pod ${pod.metadata.namespace}/${pod.metadata.name}`, async (signal) => {
      const onStop = () => stop.abort(signal.reason);
      signal.addEventListener("abort", onStop, { once: true });
      try {
        await this.#send(entry, stop.signal);
      } catch (error) {
        if (!stop.signal.aborted) throw error;
      } finally {
        signal.removeEventListener("abort", onStop);
        if (stop.signal.aborted) this.#rest(entry);
      }
    });
  }

  /** Resolves once the server has the pod's newest status, refused it, or knows the pod no more. */
  async settled(uid: string, signal: AbortSignal): Promise<void> {
    const entry = this.#entries.get(uid);
    if (entry?.sending === undefined || entry.refused === entry.wanted.text) return;
    const waiter = deferred<void>();
    const onAbort = () => waiter.reject(signal.reason);
    entry.waiters.add(waiter);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      await waiter.promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
      entry.waiters.delete(waiter);
    }
  }

  /** The pod is gone: what was not sent never is. */
  forget(uid: string): void {
    const entry = this.#entries.get(uid);
    this.#entries.delete(uid);
    entry?.sending?.abort(new Error("the pod is gone"));
  }

  async #send(entry: Entry, signal: AbortSignal): Promise<void> {
    for (let failures = 0; ; ) {
      // In the same step as the decision, so that a status set after it starts a new loop.
      if (this.#isSent(entry)) return this.#rest(entry);
      const sending = entry.wanted;
      const waitMs = sending.notBeforeMs - this.#os.clock.monotonicMs();
      if (waitMs > 0) {
        entry.isHeld = true;
        await this.#pause(entry, waitMs, signal);
        entry.isHeld = false;
        continue;
      }
      try {
        await this.#patch(entry, signal);
        failures = 0;
        entry.sent = sending;
        entry.refused = undefined;
      } catch (error) {
        signal.throwIfAborted();
        if (isNotFound(error)) return this.#rest(entry);
        failures++;
        const { name, namespace } = sending.pod.metadata;
        this.#os.log.warn("cannot send pod status", { pod: `${namespace}/${name}`, failures, error });
        entry.refused = isRefusal(error) ? sending.text : undefined;
        if (entry.refused === entry.wanted.text) this.#settle(entry);
        else if (entry.refused !== undefined) continue; // there is another by now
        await this.#pause(entry, backoffMs(retry, failures, this.#os.random), signal);
      }
    }
  }

  async #pause(entry: Entry, delayMs: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    entry.wake = () => woken.abort();
    try {
      await sleep(this.#os.clock, delayMs, AbortSignal.any([signal, woken.signal]));
    } catch (error) {
      if (signal.aborted) throw error;
    } finally {
      entry.wake = () => {};
    }
  }

  #rest(entry: Entry): void {
    entry.sending = undefined;
    this.#settle(entry);
  }

  async #patch({ wanted }: Entry, signal: AbortSignal): Promise<void> {
    const { name, namespace } = wanted.pod.metadata;
    await this.#client.patch(resources.pods, { name, namespace }, wanted.patch, {
      type: "strategic",
      subresource: "status",
      signal,
    });
  }

  #isSent({ wanted, sent }: Entry): boolean {
    return sent === undefined ? hasStatus(wanted.pod, wanted.status) : sent.text === wanted.text;
  }

  #settle(entry: Entry): void {
    for (const waiter of entry.waiters) waiter.resolve();
  }
}

const newEntry = (wanted: Entry["wanted"]): Entry => ({
  wanted,
  sent: undefined,
  sending: undefined,
  refused: undefined,
  wake: () => {},
  isHeld: false,
  waiters: new Set(),
});

/** Another pod of the name, or a status that the server will not have: asking again changes nothing. */
function isRefusal(error: unknown): boolean {
  if (isConflict(error)) return true;
  return (
    error instanceof ApiError && error.code >= 400 && error.code < 500 && ![408, 429].includes(error.code)
  );
}
