import type { ServerResponse } from "node:http";
import { deferred } from "../../../base/deferred.ts";
import type { Clock } from "../../../base/os/clock.ts";
import { ApiError, internalError } from "../api-error.ts";
import type { CacheListener, KindCache } from "../cache/kind-cache.ts";
import type { Notice, WatchCursor } from "../cache/watch-cursor.ts";
import { jsonText } from "../json.ts";
import type { WatchEncoder } from "./watch-encoder.ts";

/** Text gathered into one write; more waits until the client has read. */
const writeCharsMax = 64 * 1024;
/** Changes that others are asked to convert at once. */
const convertedMax = 100;
/** Clients learn at least this often how far they are, so that they can resume after a long silence. */
const bookmarkEveryMs = 60_000;

export interface WatchStreamOptions {
  readonly cache: KindCache;
  readonly cursor: WatchCursor;
  readonly encoder: WatchEncoder;
  readonly response: ServerResponse;
  readonly bookmarks: boolean;
  /** A bookmark says where the initial objects end. */
  readonly marksInitialEnd: boolean;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called when everything that was there at the beginning is written; perhaps again. */
  readonly onBegun: () => void;
}

/** Carries one watcher's notices onto its connection. It holds no queue: what the client has not read stays in the
 *  kind's shared window, and when it leaves there the watcher is ended. */
export class WatchStream implements CacheListener {
  readonly #options: WatchStreamOptions;
  readonly #finished = deferred<void>();
  readonly #cleanups: (() => void)[] = [];
  #blocked = false;
  #ended = false;
  #initialMarked: boolean;

  constructor(options: WatchStreamOptions) {
    this.#options = options;
    this.#initialMarked = !(options.marksInitialEnd && options.bookmarks);
    const { cache, clock, response, signal } = options;
    const onDrain = () => {
      this.#blocked = false;
      this.wake();
    };
    const onClose = () => this.#finish();
    const onAbort = () => this.end();
    response.on("drain", onDrain);
    response.on("close", onClose);
    signal.addEventListener("abort", onAbort, { once: true });
    this.#cleanups.push(
      cache.listen(this),
      clock.after(options.timeoutMs, () => this.end()),
      () => response.off("drain", onDrain),
      () => response.off("close", onClose),
      () => signal.removeEventListener("abort", onAbort),
    );
    if (options.bookmarks) this.#scheduleBookmark();
    if (options.cursor.isOf(cache)) this.wake();
    else this.end();
  }

  /** Resolves when the watch is over. */
  get done(): Promise<void> {
    return this.#finished.promise;
  }

  /** Writes what there is, as far as the client reads. */
  wake(): void {
    while (!this.#ended && !this.#blocked) {
      if (this.#options.encoder.isSlow) {
        if (!this.#convertNext()) this.#options.onBegun();
        return;
      }
      const text = this.#gather();
      if (text === "") {
        this.#options.onBegun();
        return;
      }
      this.#blocked = !this.#options.response.write(text);
    }
  }

  /** A last bookmark, then the end: clients come back to where they were. */
  end(): void {
    if (this.#ended) return;
    const { bookmarks, response } = this.#options;
    if (!response.destroyed) {
      if (bookmarks && this.#atEnd()) this.#writeBookmark();
      response.end();
    }
    this.#finish();
  }

  #gather(): string {
    const { cache, cursor, encoder } = this.#options;
    let text = "";
    while (text.length < writeCharsMax) {
      const notice = cursor.next();
      if (notice === "gone") {
        this.#options.response.end(text);
        this.#finish();
        return "";
      }
      if (notice !== undefined) text += encoder.frame(notice);
      if (!this.#initialMarked && cursor.initialDone) {
        // Later changes may follow in the window; those before this point are all out only when it is drained.
        if (notice !== undefined) continue;
        this.#initialMarked = true;
        text += encoder.bookmark(cache.revision, true);
      }
      if (notice === undefined) break;
    }
    return text;
  }

  /** The next changes of a kind whose objects others convert: nothing else is written until they are. False: none. */
  #convertNext(): boolean {
    const { cache, cursor, encoder, response } = this.#options;
    const notices: Notice[] = [];
    let mark = false;
    while (notices.length < convertedMax) {
      const notice = cursor.next();
      if (notice === "gone") {
        response.end();
        this.#finish();
        return true;
      }
      if (notice !== undefined) notices.push(notice);
      else {
        mark = !this.#initialMarked && cursor.initialDone;
        break;
      }
    }
    if (notices.length === 0 && !mark) return false;
    this.#blocked = true;
    encoder.frames(notices).then(
      (text) => {
        if (this.#ended) return;
        if (mark) this.#initialMarked = true;
        const bookmark = mark ? encoder.bookmark(cache.revision, true) : "";
        this.#blocked = !response.write(text + bookmark);
        this.wake();
      },
      (error: unknown) => this.#fail(error),
    );
    return true;
  }

  /** What cannot be shown ends the watch with an ERROR event. */
  #fail(error: unknown): void {
    if (this.#ended) return;
    const known = error instanceof ApiError ? error : internalError(String(error));
    this.#options.response.end(`${jsonText({ type: "ERROR", object: known.status() })}\n`);
    this.#finish();
  }

  #atEnd(): boolean {
    const { cache, cursor } = this.#options;
    return !this.#blocked && this.#initialMarked && cursor.mayMark(cache);
  }

  #writeBookmark(): void {
    const { cache, encoder, response } = this.#options;
    this.#blocked = !response.write(encoder.bookmark(cache.revision, false)) || this.#blocked;
  }

  #scheduleBookmark(): void {
    let cancel = () => {};
    const next = () => {
      cancel = this.#options.clock.after(bookmarkEveryMs, () => {
        if (this.#ended) return;
        if (this.#atEnd()) this.#writeBookmark();
        next();
      });
    };
    next();
    this.#cleanups.push(() => cancel());
  }

  #finish(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const cleanup of this.#cleanups) cleanup();
    this.#finished.resolve();
  }
}
