import { type Signal, signal } from "@preact/signals";
import { follow } from "./follow.ts";
import { callJson, Refusal } from "./session.ts";

const pageItems = 2_000;
const retryMs = { first: 500, most: 15_000 };

export type FeedState =
  | { readonly is: "loading" }
  | { readonly is: "live" }
  /** What is shown may be old; it is being asked for again. */
  | { readonly is: "stale"; readonly why: string }
  | { readonly is: "refused"; readonly code: number; readonly why: string };

/** How the answers of a collection are read: as tables or as objects. */
export interface Form<Item> {
  readonly accept: string;
  /** The items of a list, or of one event of a watch. */
  itemsOf(answer: unknown): readonly Item[];
  keyOf(item: Item): string;
  resourceVersionOf(item: Item): string | undefined;
}

interface ListMeta {
  readonly metadata?: {
    readonly resourceVersion?: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
}
interface WatchEvent {
  readonly type: string;
  readonly object: ListMeta;
}

/** The items of a collection, live: listed page by page, then followed by one watch. `version` rises at most once a frame, after
 *  `items` changed. */
export class LiveList<Item> {
  readonly version = signal(0);
  readonly state: Signal<FeedState> = signal({ is: "loading" });
  readonly items = new Map<string, Item>();
  /** How many are still to come of the first list, as the server counts them. */
  readonly remaining = signal(0);
  readonly #form: Form<Item>;
  readonly #path: string;
  readonly #query: string;
  readonly #abort = new AbortController();
  #stopWatch: () => void = () => undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #frame = 0;
  #failures = 0;
  #resourceVersion = "";

  constructor(form: Form<Item>, path: string, query: Readonly<Record<string, string>> = {}) {
    this.#form = form;
    this.#path = path;
    this.#query = new URLSearchParams(query).toString();
    void this.#list();
  }

  stop(): void {
    this.#abort.abort();
    this.#stopWatch();
    clearTimeout(this.#timer);
    cancelAnimationFrame(this.#frame);
  }

  async #list(): Promise<void> {
    const { accept, itemsOf, keyOf } = this.#form;
    const fresh = new Map<string, Item>();
    try {
      for (let next: string | undefined = ""; next !== undefined; ) {
        const page: string = next === "" ? "" : `&continue=${encodeURIComponent(next)}`;
        const path = `${this.#path}?limit=${pageItems}&${this.#query}${page}`;
        const answer: ListMeta = await callJson<ListMeta>(path, { accept, signal: this.#abort.signal });
        for (const item of itemsOf(answer)) fresh.set(keyOf(item), item);
        next = answer.metadata?.continue || undefined;
        this.#resourceVersion = answer.metadata?.resourceVersion ?? "";
        this.remaining.value = answer.metadata?.remainingItemCount ?? 0;
        // The first time, what has come is shown while the rest comes; later the old items stand until all new ones are here.
        if (this.state.value.is === "loading") this.#show(fresh);
      }
    } catch (error) {
      return this.#failed(error);
    }
    this.items.clear();
    this.#show(fresh);
    this.state.value = { is: "live" };
    this.#watch();
  }

  #failed(error: unknown): void {
    if (this.#abort.signal.aborted) return;
    const { code, message } = error instanceof Refusal ? error : new Refusal(0, String(error));
    const isRefused = code === 401 || code === 403 || code === 404 || code === 405;
    if (isRefused) {
      this.items.clear();
      this.#changed();
    }
    this.state.value = isRefused ? { is: "refused", code, why: message } : { is: "stale", why: message };
    this.#later(() => void this.#list());
  }

  #watch(): void {
    const path = `${this.#path}?watch=true&allowWatchBookmarks=true&resourceVersion=${this.#resourceVersion}&${this.#query}`;
    this.#stopWatch = follow(path, this.#form.accept, {
      open: () => {
        this.#failures = 0;
        this.state.value = { is: "live" };
      },
      lines: (lines) => {
        for (const line of lines) if (line !== "" && !this.#take(JSON.parse(line))) return;
      },
      end: (code, message) => {
        // A watch ends by itself after some minutes; what came since is asked for from where it stood.
        if (code !== 200) this.state.value = { is: "stale", why: message };
        const again = () => (code === 200 || code === 0 ? this.#watch() : void this.#list());
        this.#later(again, code === 200 || code === 410);
      },
    });
  }

  /** False: the watch cannot go on from where it stands, and all is listed anew. */
  #take({ type, object }: WatchEvent): boolean {
    if (type === "ERROR") {
      this.#stopWatch();
      this.#later(() => void this.#list());
      return false;
    }
    for (const item of this.#form.itemsOf(object)) {
      this.#resourceVersion = this.#form.resourceVersionOf(item) ?? this.#resourceVersion;
      if (type === "DELETED") this.items.delete(this.#form.keyOf(item));
      else if (type !== "BOOKMARK") this.items.set(this.#form.keyOf(item), item);
    }
    if (type === "BOOKMARK")
      this.#resourceVersion = object.metadata?.resourceVersion || this.#resourceVersion;
    else this.#changed();
    return true;
  }

  #later(act: () => void, isAtOnce = false): void {
    if (this.#abort.signal.aborted) return;
    const waitMs = isAtOnce ? 0 : Math.min(retryMs.most, retryMs.first * 2 ** this.#failures++);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(act, waitMs);
  }

  #show(items: ReadonlyMap<string, Item>): void {
    for (const [key, item] of items) this.items.set(key, item);
    this.#changed();
  }

  #changed(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.version.value++;
    });
  }
}
