import { assert } from "../../base/assert.ts";
import { OrderedMap } from "../../base/ordered-map.ts";
import type { Revision } from "./revision.ts";

/** One key's life. Flat and small: a million of these are in memory.
 *  Invariant: `older` rises strictly and ends before (main, sub). */
export interface KeyHistory {
  /** The newest point. */
  main: number;
  sub: number;
  /** Revision at which the living generation began; meaningless when `version` is 0. */
  create: number;
  /** Puts since then; 0 means that the newest point is a deletion. */
  version: number;
  /** Older points, oldest first, two numbers each: main, and sub * 2 + (1 when it is a deletion). */
  older: number[] | undefined;
}

/** A row of the backend. */
export interface Point extends Revision {
  readonly deletion: boolean;
}

export class KeyIndex {
  readonly #keys = new OrderedMap<KeyHistory>();
  /** Keys of which a compaction might drop something. */
  readonly #compactable = new Set<string>();
  #living = 0;

  /** Keys that exist at the newest revision. */
  get living(): number {
    return this.#living;
  }

  /** Keys known, deleted ones with history included. */
  get size(): number {
    return this.#keys.size;
  }

  get(key: string): KeyHistory | undefined {
    return this.#keys.get(key);
  }

  /** Adds a newest point; answers the history, of which `create` and `version` are those of the put. */
  put(key: string, main: number, sub: number): KeyHistory {
    const history = this.#keys.get(key);
    if (history === undefined) {
      const fresh: KeyHistory = { main, sub, create: main, version: 1, older: undefined };
      this.#keys.set(key, fresh);
      this.#living++;
      return fresh;
    }
    this.#age(key, history);
    if (history.version === 0) {
      history.create = main;
      this.#living++;
    }
    history.version++;
    history.main = main;
    history.sub = sub;
    return history;
  }

  /** Adds a deletion of a living key. */
  delete(key: string, history: KeyHistory, main: number, sub: number): void {
    assert(history.version > 0, "key index: only a living key can be deleted");
    this.#age(key, history);
    history.version = 0;
    history.main = main;
    history.sub = sub;
    this.#living--;
  }

  /** The row that holds the key's value at `revision`, or undefined where it does not exist then. */
  at(history: KeyHistory, revision: number): Point | undefined {
    const point = pointAt(history, revision);
    return point === undefined || point.deletion ? undefined : point;
  }

  /** Looks at no more than `keysMax` keys of [from, to) and visits those that exist now, in order. Answers where to go on;
   *  undefined at the end. */
  visitLiving(
    range: { readonly from: string; readonly to: string | undefined },
    keysMax: number,
    visit: (key: string, history: KeyHistory) => void,
  ): string | undefined {
    let looked = 0;
    let next: string | undefined;
    this.#keys.visit(range.from, range.to, (key, history) => {
      if (looked++ === keysMax) {
        next = key;
        return false;
      }
      if (history.version > 0) visit(key, history);
      return true;
    });
    return next;
  }

  /** Looks at no more than `keysMax` keys of [from, to) and visits those that existed at `revision`, in order, until `visit`
   *  answers false. Answers where to go on; undefined at the end. */
  visitAt(
    range: { readonly from: string; readonly to: string | undefined },
    { revision, keysMax }: { readonly revision: number; readonly keysMax: number },
    visit: (key: string, point: Point, history: KeyHistory) => boolean,
  ): string | undefined {
    let looked = 0;
    let next: string | undefined;
    this.#keys.visit(range.from, range.to, (key, history) => {
      if (looked++ === keysMax) {
        next = key;
        return false;
      }
      const point = pointAt(history, revision);
      if (point === undefined || point.deletion || visit(key, point, history)) return true;
      next = `${key}\0`;
      return false;
    });
    return next;
  }

  /** Keys to hand to `compactKey`, as they are now. */
  compactableKeys(): string[] {
    return [...this.#compactable];
  }

  /** Forgets the points that a compaction at `revision` drops, and answers them. */
  compactKey(key: string, revision: number): readonly Point[] {
    const history = this.#keys.get(key);
    if (history === undefined) return [];
    const points = pointsOf(history);
    let keptAt = points.findLastIndex(({ main }) => main <= revision);
    if (keptAt < 0) return [];
    const newest = points[keptAt];
    // A deletion at the compact revision itself stays visible to watchers that start there (etcd issue 18089).
    if (newest?.deletion && newest.main < revision) keptAt++;
    if (keptAt === points.length) {
      this.#keys.delete(key);
      this.#compactable.delete(key);
    } else {
      const older = (history.older ?? []).slice(keptAt * 2);
      history.older = older.length === 0 ? undefined : older;
      if (history.older === undefined && history.version > 0) this.#compactable.delete(key);
    }
    return points.slice(0, keptAt);
  }

  /** Adds a row read back from the backend; rows come in rising order of revision. */
  restore(key: string, row: Point & { readonly create: number; readonly version: number }): void {
    const history = this.#keys.get(key);
    const { main, sub, deletion, create, version } = row;
    if (history === undefined) {
      this.#keys.set(key, { main, sub, create, version, older: undefined });
      if (deletion) this.#compactable.add(key);
      else this.#living++;
      return;
    }
    this.#living += (deletion ? 0 : 1) - (history.version > 0 ? 1 : 0);
    this.#age(key, history);
    history.main = main;
    history.sub = sub;
    history.create = create;
    history.version = version;
  }

  /** Moves the newest point to the older ones. */
  #age(key: string, history: KeyHistory): void {
    const packed = history.sub * 2 + (history.version === 0 ? 1 : 0);
    if (history.older === undefined) history.older = [history.main, packed];
    else history.older.push(history.main, packed);
    this.#compactable.add(key);
  }
}

/** The newest point at or before `revision`. */
export function pointAt(history: KeyHistory, revision: number): Point | undefined {
  if (history.main <= revision)
    return { main: history.main, sub: history.sub, deletion: history.version === 0 };
  const { older } = history;
  if (older === undefined) return undefined;
  let low = 0;
  let high = older.length / 2; // the first pair after `revision`
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((older[middle * 2] as number) <= revision) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? undefined : unpack(older, low - 1);
}

function unpack(older: readonly number[], at: number): Point {
  const packed = older[at * 2 + 1] as number;
  return { main: older[at * 2] as number, sub: Math.floor(packed / 2), deletion: packed % 2 === 1 };
}

function pointsOf(history: KeyHistory): Point[] {
  const count = (history.older?.length ?? 0) / 2;
  const points = Array.from({ length: count }, (_, at) => unpack(history.older ?? [], at));
  points.push({ main: history.main, sub: history.sub, deletion: history.version === 0 });
  return points;
}
