/** One call on an object: what was asked and told, and between which moments it may have taken place. */
export interface Called<Op> {
  readonly op: Op;
  readonly startMs: number;
  /** Infinity: nobody was told what became of it, so it may take place at any time after its start, or never. */
  readonly endMs: number;
}

/** What an operation may make of a state, given what its caller was told; none: it cannot have taken place there. */
export type Step<State extends string, Op> = (state: State, op: Op) => readonly State[];

export type Searched = "linearizable" | "not linearizable" | "undecided";

/** Whether one order of the calls explains what all were told (Wing and Gong; with Lowe's memory of what was tried): each takes
 *  place between its start and its end. "undecided" after `stepsMax` steps. */
export function searchOrder<State extends string, Op>(
  calls: readonly Called<Op>[],
  start: State,
  step: Step<State, Op>,
  stepsMax = 200_000,
): Searched {
  const search = new Search(calls, step, stepsMax);
  if (search.from(start)) return "linearizable";
  return search.isExhausted ? "undecided" : "not linearizable";
}

/** One place in the search: what may come next there, and what is left to try. */
interface Place<State> {
  readonly state: State;
  readonly candidates: number[];
  /** The call that was tried last, and the states it may leave that were not tried. */
  taken: number;
  choices: State[];
}

class Search<State extends string, Op> {
  /** By end, so that what must take place soon is tried first. */
  readonly #calls: readonly Called<Op>[];
  readonly #step: Step<State, Op>;
  readonly #tried = new Set<string>();
  readonly #done: boolean[];
  #stepsLeft: number;

  constructor(calls: readonly Called<Op>[], step: Step<State, Op>, stepsMax: number) {
    this.#calls = [...calls].sort((a, b) =>
      a.endMs < b.endMs ? -1 : a.endMs > b.endMs ? 1 : a.startMs - b.startMs,
    );
    this.#done = this.#calls.map(() => false);
    this.#step = step;
    this.#stepsLeft = stepsMax;
  }

  get isExhausted(): boolean {
    return this.#stepsLeft <= 0;
  }

  /** Depth first, without recursion: histories are long. */
  from(start: State): boolean {
    const path: Place<State>[] = [];
    let place = this.#place(start);
    while (place !== undefined) {
      const next = this.#next(place);
      if (next !== undefined) {
        path.push(place);
        place = this.#place(next);
        continue;
      }
      const before = path.pop();
      if (before === undefined || this.isExhausted) return false;
      this.#done[before.taken] = false;
      place = before;
    }
    return true;
  }

  /** What may come next began before any of the others ended. Undefined: all that must take place has. */
  #place(state: State): Place<State> | undefined {
    const first = this.#done.indexOf(false);
    const endMs = this.#calls[first]?.endMs ?? Number.POSITIVE_INFINITY;
    if (endMs === Number.POSITIVE_INFINITY) return undefined;
    const candidates: number[] = [];
    for (let at = first; at < this.#calls.length; at++)
      if (!this.#done[at] && (this.#calls[at] as Called<Op>).startMs <= endMs) candidates.push(at);
    return { state, candidates, taken: -1, choices: [] };
  }

  /** Lets one more call take place; undefined where none is left to try. */
  #next(place: Place<State>): State | undefined {
    for (;;) {
      const choice = place.choices.pop();
      if (choice !== undefined) {
        this.#done[place.taken] = true;
        return choice;
      }
      const call = place.candidates.shift();
      if (call === undefined || this.#stepsLeft-- <= 0) return undefined;
      place.taken = call;
      this.#done[call] = true;
      place.choices = this.#step(place.state, (this.#calls[call] as Called<Op>).op).filter((next) =>
        this.#isNew(next),
      );
      this.#done[call] = false;
    }
  }

  #isNew(state: State): boolean {
    let first = this.#done.indexOf(false);
    if (first < 0) first = this.#done.length;
    let name = `${state}|${first}`;
    for (let at = first; at < this.#done.length; at++) if (this.#done[at]) name += `,${at}`;
    if (this.#tried.has(name)) return false;
    this.#tried.add(name);
    return true;
  }
}
