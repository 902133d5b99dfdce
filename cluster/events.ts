import type { Informer } from "../client/informer.ts";
import type { Event } from "../client/types.ts";
import { checkFilter } from "./check-arguments.ts";

/** Which events: those that are like all that is given. */
export interface EventFilter {
  /** Only about this object, or objects of that kind or name. */
  readonly about?: {
    readonly kind?: string;
    readonly metadata?: { readonly name?: string; readonly namespace?: string; readonly uid?: string };
  };
  /** Such as `FailedScheduling`. */
  readonly reason?: string;
  readonly type?: "Normal" | "Warning";
  /** What the message contains, or matches. */
  readonly message?: string | RegExp;
}

/** The events of a cluster as they came: each one when it was made, and again whenever it is counted on. Those that ran out in
 *  the API are here still; the newest 10,000 are. As an async iterable it gives those that are here, and then every one as it
 *  comes, until the cluster stops. */
export interface ClusterEvents extends AsyncIterable<Event> {
  /** Those that are like what is given, the oldest first; all without it. */
  list(filter?: EventFilter): readonly Event[];
  /** Forgets those that came. */
  clear(): void;
}

const recordedMost = 10_000;

/** Records what an informer of events sees. */
export class EventRecord implements ClusterEvents {
  readonly #signal: AbortSignal;
  #events: Event[] = [];
  /** How many were forgotten before the first that is held. */
  #forgotten = 0;
  readonly #readers = new Set<() => void>();

  /** @param signal Aborts when nothing comes any more. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#wake(), { once: true });
  }

  /** Begins to hear of them. Resolves once it hears of every one. */
  follow(informer: Pick<Informer<Event>, "subscribe" | "synced">): Promise<void> {
    const add = (event: Event) => this.#add(event);
    informer.subscribe({ onAdd: add, onUpdate: add });
    return informer.synced(this.#signal);
  }

  list(filter: EventFilter = {}): readonly Event[] {
    checkFilter(filter, ["about", "reason", "type", "message"]);
    const { about, reason, type, message } = filter;
    const { kind, metadata: { name, namespace, uid } = {} } = about ?? {};
    const is = (wanted: string | undefined, found: string | undefined) =>
      wanted === undefined || wanted === found;
    return this.#events.filter(
      (event) =>
        is(reason, event.reason) &&
        is(type, event.type) &&
        (uid === undefined
          ? is(kind, event.involvedObject.kind) &&
            is(name, event.involvedObject.name) &&
            is(namespace, event.involvedObject.namespace)
          : uid === event.involvedObject.uid) &&
        (message === undefined ||
          (typeof message === "string"
            ? (event.message ?? "").includes(message)
            : (event.message ?? "").search(message) >= 0)),
    );
  }

  clear(): void {
    this.#forgotten += this.#events.length;
    this.#events = [];
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Event, void, void> {
    for (let next = this.#forgotten; ; ) {
      const at = Math.max(0, next - this.#forgotten);
      const event = this.#events[at];
      if (event !== undefined) {
        next = this.#forgotten + at + 1;
        yield event;
      } else if (this.#signal.aborted) return;
      else
        await new Promise<void>((resolve) => {
          const wake = () => {
            this.#readers.delete(wake);
            resolve();
          };
          this.#readers.add(wake);
        });
    }
  }

  #add(event: Event): void {
    this.#events.push(event);
    if (this.#events.length > 2 * recordedMost) {
      this.#forgotten += this.#events.length - recordedMost;
      this.#events = this.#events.slice(-recordedMost);
    }
    this.#wake();
  }

  #wake(): void {
    for (const wake of [...this.#readers]) wake();
  }
}
