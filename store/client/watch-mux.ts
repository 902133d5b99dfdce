import { type BackoffOptions, backoffMs } from "../../base/backoff.ts";
import type { Clock } from "../../base/os/clock.ts";
import type { Random } from "../../base/os/random.ts";
import type { WatchResponse } from "../../proto/etcd.ts";
import { methods } from "../../proto/etcd-methods.ts";
import { CallError, compactedError, watchCanceledError } from "./call-error.ts";
import type { EndpointRing } from "./endpoints.ts";
import { isStaleLogin } from "./login-transport.ts";
import type { ClientStream, ClientTransport } from "./transport.ts";
import { type BufferMax, Watcher, type WatchOptions } from "./watcher.ts";

const bufferMaxDefault: BufferMax = { events: 10_000, bytes: 16 * 1024 * 1024 };

const reopenWait: BackoffOptions = { firstMs: 25, mostMs: 1_000 };

/** Statuses that another endpoint would answer as well. */
const hopeless = new Set(["INVALID_ARGUMENT", "PERMISSION_DENIED", "UNAUTHENTICATED", "UNIMPLEMENTED"]);

export interface WatchMuxParts {
  readonly ring: EndpointRing;
  readonly transport: ClientTransport;
  readonly clock: Clock;
  readonly random: Random;
}

type Link =
  | { readonly state: "none" }
  | { readonly state: "open"; readonly stream: ClientStream; readonly creating: Creating[] }
  | { readonly state: "waiting"; readonly cancel: () => void };
/** Creates that were not answered yet, in the order sent; the server answers in that order. */
interface Creating {
  readonly watchId: bigint;
}

/** Many watchers on one stream. When the stream breaks all go on at another endpoint, each from its next revision.
 *  A watcher is in `#live` under its id while the stream serves it, else it waits in `#parked` for its consumer or,
 *  while there is no stream, for the next one. */
export class WatchMux {
  readonly #parts: WatchMuxParts;
  readonly #watchers = new Set<Watcher>();
  readonly #live = new Map<bigint, Watcher>();
  readonly #idOf = new Map<Watcher, bigint>();
  readonly #parked = new Set<Watcher>();
  readonly #bufferMax: BufferMax;
  #link: Link = { state: "none" };
  #lastId = 0n;
  #failures = 0;
  #closed = false;

  constructor(parts: WatchMuxParts, bufferMax: BufferMax = bufferMaxDefault) {
    this.#parts = parts;
    this.#bufferMax = bufferMax;
  }

  watch(options: WatchOptions): Watcher {
    if (this.#closed) throw new CallError("UNAVAILABLE", "the client is closed", { sent: false });
    const { signal } = options;
    const onAbort = () => watcher.close();
    const watcher = new Watcher(options, {
      bufferMax: this.#bufferMax,
      onDrained: () => this.#unpark(watcher),
      onClosed: () => {
        signal?.removeEventListener("abort", onAbort);
        this.#remove(watcher);
      },
    });
    if (signal?.aborted) {
      watcher.close();
      return watcher;
    }
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#watchers.add(watcher);
    if (this.#link.state === "open") this.#create(this.#link, watcher);
    else if (this.#link.state === "none") this.#open();
    return watcher;
  }

  /** Asks the server to say how far all watchers of the stream are; they get it as progress. False: no stream now. */
  requestProgress(): boolean {
    if (this.#link.state !== "open") return false;
    this.#link.stream.send(methods.watch.request.encode({ progressRequest: {} }));
    return true;
  }

  /** Ends all watches; with an error where they cannot go on. */
  close(error?: CallError): void {
    this.#closed = true;
    for (const watcher of [...this.#watchers])
      if (error === undefined) watcher.close();
      else this.#fail(watcher, error);
    this.#drop();
  }

  // none | waiting -> open
  #open(): void {
    const { ring, transport } = this.#parts;
    const endpoint = ring.current;
    const settings = { requireLeader: true };
    let current: Link = { state: "none" };
    const isCurrent = () => this.#link === current;
    const stream = transport.stream(endpoint, methods.watch.path, settings, {
      message: (bytes) => {
        if (!isCurrent()) return;
        const response = decodeResponse(bytes);
        if (!(response instanceof CallError)) return this.#receive(response);
        stream.cancel();
        ring.failed(endpoint);
        this.#broken(response);
      },
      end: (error) => {
        if (!isCurrent()) return;
        ring.failed(endpoint);
        this.#broken(error ?? new CallError("UNAVAILABLE", "the server ended the watch stream"));
      },
    });
    const opened = { state: "open", stream, creating: [] as Creating[] } as const;
    current = opened;
    this.#link = opened;
    for (const watcher of this.#watchers) if (!this.#parked.has(watcher)) this.#create(opened, watcher);
  }

  // open -> waiting
  #broken(error: CallError): void {
    this.#live.clear();
    this.#idOf.clear();
    this.#link = { state: "none" };
    if (hopeless.has(error.status)) {
      for (const watcher of [...this.#watchers]) this.#fail(watcher, error);
      return;
    }
    if (this.#watchers.size === 0) return;
    this.#failures += 1;
    const { clock, random, ring } = this.#parts;
    const round = Math.floor(this.#failures / ring.all.length);
    const waitMs = round === 0 ? 0 : backoffMs(reopenWait, round, random);
    this.#link = { state: "waiting", cancel: clock.after(waitMs, () => this.#open()) };
  }

  #create(link: Link & { state: "open" }, watcher: Watcher): void {
    const watchId = ++this.#lastId;
    this.#live.set(watchId, watcher);
    this.#idOf.set(watcher, watchId);
    link.creating.push({ watchId });
    link.stream.send(methods.watch.request.encode({ createRequest: watcher.createRequest(watchId) }));
  }

  #receive(response: WatchResponse): void {
    this.#failures = 0;
    const revision = response.header?.revision ?? 0;
    if (response.created && this.#link.state === "open") {
      // A refused create may carry the id -1, so its place in the order tells whose it is.
      const created = this.#link.creating.shift();
      const watcher = created && this.#live.get(created.watchId);
      if (watcher === undefined) return;
      if (response.canceled) this.#refuse(watcher, cancellation(response));
      else watcher.created(revision);
      return;
    }
    if (response.watchId === -1n) {
      for (const watcher of this.#live.values()) watcher.progress(revision);
      return;
    }
    const watcher = this.#live.get(response.watchId);
    if (watcher === undefined) return; // closed or parked meanwhile
    if (response.canceled) this.#refuse(watcher, cancellation(response));
    else if (watcher.take(response) === "full") this.#park(watcher);
  }

  #park(watcher: Watcher): void {
    this.#parked.add(watcher);
    this.#forget(watcher);
  }

  #unpark(watcher: Watcher): void {
    if (!this.#parked.delete(watcher)) return;
    if (this.#link.state === "open") this.#create(this.#link, watcher);
  }

  /** The server ends the watch. Where that is for a login that counts no more, all go on by a stream with another. */
  #refuse(watcher: Watcher, error: CallError): void {
    const { transport } = this.#parts;
    if (this.#link.state !== "open" || transport.loginRefused === undefined || !isStaleLogin(error)) {
      this.#fail(watcher, error);
      return;
    }
    transport.loginRefused();
    this.#link.stream.cancel();
    this.#broken(error);
  }

  #fail(watcher: Watcher, error: CallError): void {
    this.#watchers.delete(watcher);
    this.#parked.delete(watcher);
    const id = this.#idOf.get(watcher);
    if (id !== undefined) this.#live.delete(id);
    this.#idOf.delete(watcher);
    watcher.fail(error);
    if (this.#watchers.size === 0) this.#drop();
  }

  #remove(watcher: Watcher): void {
    if (!this.#watchers.delete(watcher)) return;
    this.#parked.delete(watcher);
    this.#forget(watcher);
    if (this.#watchers.size === 0) this.#drop();
  }

  /** Takes the watcher off the stream. */
  #forget(watcher: Watcher): void {
    const watchId = this.#idOf.get(watcher);
    if (watchId === undefined) return;
    this.#idOf.delete(watcher);
    this.#live.delete(watchId);
    if (this.#link.state === "open")
      this.#link.stream.send(methods.watch.request.encode({ cancelRequest: { watchId } }));
  }

  // open | waiting -> none
  #drop(): void {
    const link = this.#link;
    this.#link = { state: "none" };
    this.#live.clear();
    this.#idOf.clear();
    if (link.state === "open") link.stream.cancel();
    if (link.state === "waiting") link.cancel();
  }
}

function decodeResponse(bytes: Uint8Array): WatchResponse | CallError {
  try {
    return methods.watch.response.decode(bytes);
  } catch (cause) {
    return new CallError("INTERNAL", "the server sent a malformed watch response", { cause });
  }
}

function cancellation(response: WatchResponse): CallError {
  if (response.compactRevision > 0) return compactedError(response.compactRevision);
  return watchCanceledError(response.cancelReason);
}
