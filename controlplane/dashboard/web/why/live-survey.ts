import { effect, type Signal, signal } from "@preact/signals";
import { gather } from "../../../../client/why/gather.ts";
import { type Fold, survey } from "../../../../client/why/survey.ts";
import type { ClusterFeeds, Source } from "../api/cluster-feeds.ts";
import { readerOf } from "./reader.ts";

export type Survey =
  | { readonly is: "looking" }
  | { readonly is: "known"; readonly folds: readonly Fold[]; readonly unread: readonly string[] }
  | { readonly is: "failed"; readonly why: string };

const pace = {
  /** Between two surveys while things change. */
  leastMs: 3_000,
  /** Time alone makes some things wrong: what has waited for too long. */
  mostMs: 30_000,
  /** A survey takes at most this part of a browser's time. */
  shareMost: 0.05,
};

/** What is wrong, as things change: collections are followed, and looked through anew when any of them changed, never more often
 *  than `pace` says. */
export class LiveSurvey {
  readonly state: Signal<Survey> = signal({ is: "looking" });
  readonly #abort = new AbortController();
  readonly #feeds: ClusterFeeds;
  readonly #sources = new Map<Source, () => void>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #notBeforeMs = 0;
  #isUnderWay = false;
  #isOld = false;

  constructor(feeds: ClusterFeeds) {
    this.#feeds = feeds;
    void this.#look();
  }

  stop(): void {
    this.#abort.abort();
    clearTimeout(this.#timer);
    for (const end of this.#sources.values()) end();
  }

  async #look(): Promise<void> {
    const { signal } = this.#abort;
    if (signal.aborted) return;
    this.#isUnderWay = true;
    this.#isOld = false;
    const reader = this.#followed();
    const { namespace } = this.#feeds;
    let workMs = 0;
    try {
      const { result, unread } = await gather(
        reader,
        (facts) => {
          const beganMs = performance.now();
          const folds = survey(namespace === "" ? undefined : namespace, facts);
          workMs += performance.now() - beganMs;
          return folds;
        },
        { nowMs: Date.now(), signal, isWide: true },
      );
      this.state.value = { is: "known", folds: result, unread };
    } catch (error) {
      if (signal.aborted) return;
      this.state.value = { is: "failed", why: error instanceof Error ? error.message : String(error) };
    }
    this.#isUnderWay = false;
    const restMs = Math.max(pace.leastMs, workMs / pace.shareMost);
    this.#notBeforeMs = performance.now() + restMs;
    this.#again(this.#isOld ? restMs : Math.max(restMs, pace.mostMs));
  }

  #reader: ReturnType<typeof readerOf> | undefined;

  /** The reader, whose collections tell when they change. */
  #followed(): ReturnType<typeof readerOf> {
    const follow = (source: Source | undefined) => {
      if (source !== undefined && !this.#sources.has(source)) {
        let isFirst = true;
        this.#sources.set(
          source,
          effect(() => {
            void source.version.value;
            if (!isFirst) this.#changed();
            isFirst = false;
          }),
        );
      }
      return source;
    };
    this.#reader ??= readerOf({
      of: (resource, query, namespace) => follow(this.#feeds.of(resource, query, namespace)),
    });
    return this.#reader;
  }

  #changed(): void {
    if (this.#isOld) return;
    this.#isOld = true;
    if (!this.#isUnderWay) this.#again(Math.max(0, this.#notBeforeMs - performance.now()));
  }

  #again(inMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      // Nobody looks: it is looked through when somebody does.
      if (document.visibilityState === "visible") void this.#look();
      else this.#again(pace.leastMs);
    }, inMs);
  }
}
