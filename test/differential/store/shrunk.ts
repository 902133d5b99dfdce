/** Ends a search that finds little with each try. */
const triesMost = 200;

/** The shortest list that still shows what the given one did, as far as leaving out and simplifying gets: none of its elements can
 *  be left out, and none made simpler (delta debugging, Zeller and Hildebrandt).
 *  @param show What a list shows, and the part of it that did; undefined: nothing.
 *  @param simpler Each a little simpler than the element. */
export async function shrunk<T, S extends { readonly list: readonly T[] }>(
  first: S,
  show: (list: readonly T[]) => Promise<S | undefined>,
  simpler: (element: T) => Iterable<T>,
): Promise<S> {
  const search = new Search(first, show);
  do await search.leaveOut();
  while (await search.simplify(simpler));
  return search.best;
}

class Search<T, S extends { readonly list: readonly T[] }> {
  best: S;
  readonly #show: (list: readonly T[]) => Promise<S | undefined>;
  #tries = 0;

  constructor(first: S, show: (list: readonly T[]) => Promise<S | undefined>) {
    this.best = first;
    this.#show = show;
  }

  /** Pieces of half the list at first, then ever smaller ones, until no single element can go. */
  async leaveOut(): Promise<void> {
    for (let size = Math.ceil(this.best.list.length / 2); size >= 1; ) {
      const isAnyGone = await this.#leaveOutPieces(size);
      if (size === 1 && !isAnyGone) return;
      size = size === 1 ? 1 : Math.ceil(size / 2);
    }
  }

  /** Whether anything became simpler. */
  async simplify(simpler: (element: T) => Iterable<T>): Promise<boolean> {
    let isAny = false;
    for (let at = 0; at < this.best.list.length; at++)
      while (await this.#simplifyAt(at, simpler)) isAny = true;
    return isAny;
  }

  /** From the end, since what a list shows it shows there. */
  async #leaveOutPieces(size: number): Promise<boolean> {
    let isAny = false;
    for (let end = this.best.list.length; end > 0; end -= size) {
      const { list } = this.best;
      const isGone = await this.#take([...list.slice(0, Math.max(0, end - size)), ...list.slice(end)]);
      isAny ||= isGone;
    }
    return isAny;
  }

  async #simplifyAt(at: number, simpler: (element: T) => Iterable<T>): Promise<boolean> {
    const element = this.best.list[at];
    if (element === undefined) return false;
    for (const other of simpler(element)) if (await this.#take(this.best.list.with(at, other))) return true;
    return false;
  }

  async #take(list: readonly T[]): Promise<boolean> {
    if (list.length === 0 || this.#tries >= triesMost) return false;
    this.#tries++;
    const shown = await this.#show(list);
    if (shown === undefined) return false;
    this.best = shown;
    return true;
  }
}
