import { Worker } from "node:worker_threads";
import type { LogFolders } from "./folders.ts";
import type { SearchData } from "./search-lines.ts";
import type { SearchSaid, SearchTold } from "./search-messages.ts";

/** The bundle's file, or what loads the source. */
const entry = new URL(
  import.meta.url.endsWith(".ts") ? "./search-worker-source.mjs" : "../cli/search-worker.js",
  import.meta.url,
);

export const searchBounds = {
  /** Searches, and those that follow, at a time. */
  runningMost: 2,
  followingMost: 8,
  waitingMost: 32,
  /** Of each; beyond it the search ends, not the agent. */
  heapMbMost: 96,
} as const;

/** There are as many searches as there may be. */
export class TooManySearches extends Error {}

export interface OneSearch {
  readonly params: string;
  readonly nowMs: number;
  readonly isFollowing: boolean;
}

/** Runs searches of a node's logs, each in a thread that begins and ends with it: what runs pods is not held up, and nothing is
 *  there while nobody searches. */
export class NodeSearches {
  readonly #folders: LogFolders;
  readonly #run: typeof searchInThread;
  #running = 0;
  #following = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(folders: LogFolders, run: typeof searchInThread = searchInThread) {
    this.#folders = folders;
    this.#run = run;
  }

  /** Lines of JSON. The search goes on as they are taken, and ends where no more are asked for. */
  async *search(
    { params, nowMs, isFollowing }: OneSearch,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, void> {
    const leave = isFollowing ? this.#follow() : await this.#enter(signal);
    try {
      yield* this.#run({ folders: this.#folders, params, nowMs }, signal);
    } finally {
      leave();
    }
  }

  #follow(): () => void {
    if (this.#following >= searchBounds.followingMost)
      throw new TooManySearches(`${searchBounds.followingMost} searches follow this node's logs already`);
    this.#following += 1;
    return () => {
      this.#following -= 1;
    };
  }

  async #enter(signal: AbortSignal): Promise<() => void> {
    if (this.#running >= searchBounds.runningMost) {
      if (this.#waiting.length >= searchBounds.waitingMost)
        throw new TooManySearches(`${searchBounds.waitingMost} searches of this node's logs wait already`);
      await new Promise<void>((resolve, reject) => {
        const turn = () => {
          signal.removeEventListener("abort", gone);
          resolve();
        };
        const gone = () => {
          this.#waiting.splice(this.#waiting.indexOf(turn), 1);
          reject(signal.reason);
        };
        signal.throwIfAborted();
        signal.addEventListener("abort", gone, { once: true });
        this.#waiting.push(turn);
      });
    } else this.#running += 1;
    // Whoever leaves hands the place on.
    return () => {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    };
  }
}

/** In a thread of its own, which ends with it. */
export async function* searchInThread(
  data: SearchData,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  signal.throwIfAborted();
  const worker = new Worker(entry, {
    workerData: data,
    resourceLimits: { maxOldGenerationSizeMb: searchBounds.heapMbMost },
  });
  const said: SearchSaid[] = [];
  let failure: { readonly error: unknown } | undefined;
  let wake: (() => void) | undefined;
  worker.on("message", (one: SearchSaid) => {
    said.push(one);
    wake?.();
  });
  const fail = (error: unknown) => {
    failure ??= { error };
    wake?.();
  };
  worker.on("error", fail);
  worker.on("exit", () => fail(new Error("the search's thread ended")));
  const abort = () => fail(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    for (;;) {
      const one = said.shift();
      if (one === undefined) {
        if (failure !== undefined) throw failure.error;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      } else if ("done" in one) return;
      else {
        yield one.lines;
        worker.postMessage({ taken: true } satisfies SearchTold);
      }
    }
  } finally {
    signal.removeEventListener("abort", abort);
    await worker.terminate();
  }
}
