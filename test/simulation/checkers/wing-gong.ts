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
  readonly #done: Done;
  readonly #open: OpenCalls;
  #stepsLeft: number;

  constructor(calls: readonly Called<Op>[], step: Step<State, Op>, stepsMax: number) {
    this.#calls = [...calls].sort((a, b) =>
      a.endMs < b.endMs ? -1 : a.endMs > b.endMs ? 1 : a.startMs - b.startMs,
    );
    this.#done = new Done(calls.length);
    this.#open = new OpenCalls(this.#calls.map(({ startMs }) => startMs));
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
      this.#done.undo(before.taken);
      this.#open.add(before.taken);
      place = before;
    }
    return true;
  }

  /** What may come next began before any of the others ended. Undefined: all that must take place has. */
  #place(state: State): Place<State> | undefined {
    const endMs = this.#calls[this.#done.first]?.endMs ?? Number.POSITIVE_INFINITY;
    if (endMs === Number.POSITIVE_INFINITY) return undefined;
    return { state, candidates: this.#open.startedBy(endMs), taken: -1, choices: [] };
  }

  /** Lets one more call take place; undefined where none is left to try. */
  #next(place: Place<State>): State | undefined {
    for (;;) {
      const choice = place.choices.pop();
      if (choice !== undefined) {
        this.#done.do(place.taken);
        this.#open.remove(place.taken);
        return choice;
      }
      const call = place.candidates.shift();
      if (call === undefined || this.#stepsLeft-- <= 0) return undefined;
      place.taken = call;
      this.#done.do(call);
      const choices = this.#step(place.state, (this.#calls[call] as Called<Op>).op);
      place.choices = choices.filter((next) => this.#isNew(next));
      this.#done.undo(call);
    }
  }

  #isNew(state: State): boolean {
    const name = `${state}|${this.#done.name}`;
    if (this.#tried.has(name)) return false;
    this.#tried.add(name);
    return true;
  }
}

/** Which calls have taken place: all up to one, and some behind it. */
class Done {
  readonly #isDone: Uint8Array;
  /** Those behind `first`. */
  readonly #behind = new Set<number>();
  /** The first that has not. */
  first = 0;

  constructor(calls: number) {
    this.#isDone = new Uint8Array(calls);
  }

  do(call: number): void {
    this.#isDone[call] = 1;
    if (call !== this.first) {
      this.#behind.add(call);
      return;
    }
    this.first++;
    while (this.#isDone[this.first] === 1) this.#behind.delete(this.first++);
  }

  undo(call: number): void {
    this.#isDone[call] = 0;
    this.#behind.delete(call);
    while (this.first > call) if (this.#isDone[--this.first] === 1) this.#behind.add(this.first);
  }

  /** The same for the same calls, and no others. */
  get name(): string {
    return `${this.first},${[...this.#behind].sort((a, b) => a - b).join()}`;
  }
}

/** The calls that have not taken place, by their starts: a list out of which a call goes, and into which it comes back where it
 *  was, the last one first. */
class OpenCalls {
  readonly #startsMs: readonly number[];
  /** By call; its head is the number behind all of them. */
  readonly #next: Int32Array;
  readonly #previous: Int32Array;

  constructor(startsMs: readonly number[]) {
    const head = startsMs.length;
    this.#startsMs = startsMs;
    this.#next = new Int32Array(head + 1);
    this.#previous = new Int32Array(head + 1);
    const byStart = startsMs
      .map((_, call) => call)
      .sort((a, b) => (startsMs[a] as number) - (startsMs[b] as number));
    let last = head;
    for (const call of [...byStart, head]) {
      this.#next[last] = call;
      this.#previous[call] = last;
      last = call;
    }
  }

  remove(call: number): void {
    const [before, after] = [this.#previous[call] as number, this.#next[call] as number];
    this.#next[before] = after;
    this.#previous[after] = before;
  }

  add(call: number): void {
    this.#next[this.#previous[call] as number] = call;
    this.#previous[this.#next[call] as number] = call;
  }

  /** In the order of their ends. */
  startedBy(ms: number): number[] {
    const head = this.#startsMs.length;
    const found: number[] = [];
    for (let at = this.#next[head] as number; at !== head; at = this.#next[at] as number) {
      if ((this.#startsMs[at] as number) > ms) break;
      found.push(at);
    }
    return found.sort((a, b) => a - b);
  }
}
