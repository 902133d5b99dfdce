import { deferred } from "../../../base/deferred.ts";
import type { Clock } from "../../../base/os/clock.ts";
import { ApiError, internalError } from "../api-error.ts";
import type { KindCache } from "../cache/kind-cache.ts";
import type { Notice, WatchCursor } from "../cache/watch-cursor.ts";
import type { CacheListener } from "../cache/watch-index.ts";
import type { WatchEncoder } from "./watch-encoder.ts";
import type { WatchOutlet } from "./watch-outlet.ts";

/** Bytes gathered into one write; more waits until the client has read. */
const writeBytesMax = 64 * 1024;
/** Changes that others are asked to convert at once. */
const convertedMax = 100;
/** Clients learn at least this often how far they are, so that they can resume after a long silence. */
const bookmarkEveryMs = 60_000;

export interface WatchStreamOptions {
  readonly cache: KindCache;
  readonly cursor: WatchCursor;
  readonly encoder: WatchEncoder;
  readonly outlet: WatchOutlet;
  readonly bookmarks: boolean;
  /** A bookmark says where the initial objects end. */
  readonly marksInitialEnd: boolean;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called when everything that was there at the beginning is written; perhaps again. */
  readonly onBegun: () => void;
  /** Called for each change that is told, with its size. */
  readonly onFrame?: (bytes: number) => void;
}

/** Carries one watcher's notices onto its connection. It holds no queue: what the client has not read stays in the
 *  kind's shared window, and when it leaves there the watcher is ended. */
export class WatchStream implements CacheListener {
  readonly #options: WatchStreamOptions;
  readonly #outlet: WatchOutlet;
  readonly #finished = deferred<void>();
  readonly #cleanups: (() => void)[] = [];
  #blocked = false;
  #ended = false;
  #initialMarked: boolean;

  constructor(options: WatchStreamOptions) {
    this.#options = options;
    this.#outlet = options.outlet;
    this.#initialMarked = !(options.marksInitialEnd && options.bookmarks);
    const { cache, clock, outlet, signal } = options;
    const onDrain = () => {
      this.#blocked = false;
      this.wake();
    };
    const onClose = () => this.#finish();
    const onAbort = () => this.end();
    signal.addEventListener("abort", onAbort, { once: true });
    const { share, leave } = cache.follow(this, options.cursor.scope);
    options.cursor.follow(share);
    this.#cleanups.push(
      leave,
      clock.after(options.timeoutMs, () => this.end()),
      outlet.onDrain(onDrain),
      outlet.onClose(onClose),
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

  /** Writes what there is, as far as the client reads. What cannot be shown is this watcher's end and no other's. */
  wake(): void {
    try {
      this.#writeOn();
    } catch (error) {
      this.#fail(error);
    }
  }

  #writeOn(): void {
    while (!this.#ended && !this.#blocked) {
      if (this.#options.encoder.isSlow) {
        if (!this.#convertNext()) this.#options.onBegun();
        return;
      }
      const bytes = this.#gather();
      if (bytes === undefined) {
        this.#options.onBegun();
        return;
      }
      this.#blocked = !this.#outlet.write(bytes);
    }
  }

  /** A last bookmark, then the end: clients come back to where they were. */
  end(): void {
    if (this.#ended) return;
    if (!this.#outlet.isClosed) {
      this.#tellPlace();
      if (this.#ended) return;
      this.#outlet.end();
    }
    this.#finish();
  }

  /** The next frames, as many as one write takes; undefined where there are none. */
  #gather(): Buffer | undefined {
    const { cache, cursor, encoder, onFrame } = this.#options;
    const { framing } = this.#outlet;
    const frames: Buffer[] = [];
    for (let length = 0; length < writeBytesMax; ) {
      const notice = cursor.next();
      if (notice === "gone") {
        cache.figures.terminated.count++;
        this.#outlet.end(Buffer.concat(frames));
        this.#finish();
        return undefined;
      }
      if (notice !== undefined) {
        const frame = encoder.frame(notice, framing);
        onFrame?.(framing.frameBytes(frame));
        length += appended(frames, frame);
      }
      if (!this.#initialMarked && cursor.initialDone) {
        // Later changes may follow in the window; those before this point are all out only when it is drained.
        if (notice !== undefined) continue;
        this.#initialMarked = true;
        length += appended(frames, framing.wrap(encoder.bookmark(cache.revision, true)));
      }
      if (notice === undefined) break;
    }
    // What is shared by all watchers is written as it is.
    return frames.length > 1 ? Buffer.concat(frames) : frames[0];
  }

  /** The next changes of a kind whose objects others convert: nothing else is written until they are. False: none. */
  #convertNext(): boolean {
    const { cache, cursor, encoder, onFrame } = this.#options;
    const notices: Notice[] = [];
    let mark = false;
    while (notices.length < convertedMax) {
      const notice = cursor.next();
      if (notice === "gone") {
        cache.figures.terminated.count++;
        this.#outlet.end();
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
      (frames) => {
        if (this.#ended) return;
        if (mark) this.#initialMarked = true;
        const bookmark = mark ? [encoder.bookmark(cache.revision, true)] : [];
        for (const frame of frames) onFrame?.(frame.length);
        const bytes = Buffer.concat(
          [...frames, ...bookmark].map((frame) => this.#outlet.framing.wrap(frame)),
        );
        this.#blocked = bytes.length > 0 && !this.#outlet.write(bytes);
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
    this.#outlet.end(this.#outlet.framing.wrap(this.#options.encoder.error(known)));
    this.#finish();
  }

  /** Tells what there is, since it may be this watcher's turn only later, and then how far that is. */
  #tellPlace(): void {
    const { cache, cursor, encoder, bookmarks } = this.#options;
    if (!cursor.isOf(cache)) return;
    this.wake();
    const isAtEnd = !this.#ended && !this.#blocked && this.#initialMarked && cursor.mayMark(cache);
    if (!bookmarks || !isAtEnd) return;
    const bookmark = encoder.bookmark(cache.revision, false);
    this.#blocked = !this.#outlet.write(this.#outlet.framing.wrap(bookmark));
  }

  #scheduleBookmark(): void {
    let cancel = () => {};
    const next = () => {
      cancel = this.#options.clock.after(bookmarkEveryMs, () => {
        if (this.#ended) return;
        this.#tellPlace();
        if (!this.#ended) next();
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

function appended(frames: Buffer[], frame: Buffer): number {
  frames.push(frame);
  return frame.length;
}
