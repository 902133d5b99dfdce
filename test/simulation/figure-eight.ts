import { below, type Random } from "../../base/os/random.ts";
import type { Message } from "../../store/raft/types.ts";
import type { Life, Machine } from "./machine.ts";

/** What the schedule may do to machines. */
export interface Cutter {
  isolate(machine: Machine): void;
  release(machine: Machine): void;
}

type Act =
  /** The next leader keeps the first entry of its term to itself. */
  | { readonly act: "first" }
  /** So does the next; then the first comes back. */
  | { readonly act: "second"; readonly first: Machine }
  /** The first leads again and spreads its old entry, but for a few messages only; then the second comes back. */
  | { readonly act: "third"; readonly first: Machine; readonly second: Machine }
  | { readonly act: "rest" };

/** The schedule of figure 8 in the Raft paper, in which an old term's entry reaches a majority and is overwritten all the
 *  same. Acts follow elections; whoever else wins one, the play begins anew. */
export class FigureEight {
  readonly #random: Random;
  readonly #cutter: Cutter;
  readonly #machines: readonly Machine[];
  #act: Act = { act: "first" };
  #leader: { readonly life: Life; left: number } | undefined;

  constructor(machines: readonly Machine[], parts: { readonly random: Random; readonly cutter: Cutter }) {
    this.#machines = machines;
    this.#random = parts.random;
    this.#cutter = parts.cutter;
  }

  elected(life: Life): void {
    const { act } = this.#act;
    if (act === "rest") {
      this.restart();
      return;
    }
    this.#leader = { life, left: act === "third" ? 2 + below(this.#random, 4) : 0 };
  }

  /** An append with entries is about to leave. */
  sending(life: Life): void {
    const leader = this.#leader;
    if (leader?.life !== life) return;
    if (leader.left-- > 0) return;
    this.#leader = undefined;
    this.#next(life.machine);
  }

  /** Everybody is together again. */
  restart(): void {
    for (const machine of this.#machines) this.#cutter.release(machine);
    this.#leader = undefined;
    this.#act = { act: "first" };
  }

  #next(leader: Machine): void {
    const before = this.#act;
    if (before.act === "first") this.#act = { act: "second", first: leader };
    else if (before.act === "second") {
      this.#act = { act: "third", first: before.first, second: leader };
      this.#cutter.release(before.first);
    } else if (before.act === "third") {
      this.#act = { act: "rest" };
      this.#cutter.release(before.second);
    }
    this.#cutter.isolate(leader); // last: a release mends both ends
  }
}

export const isSpreading = (message: Message): boolean =>
  message.type === "append" && message.entries.length > 0;
