import { sameJson } from "../registry/object-meta.ts";
import type { Rounds } from "./admission.ts";

/** What a plugin that asks several others to change an object keeps from its first turn to its second: whoever wants to see
 *  what was changed after it was asked is asked again, once; all others were asked for good. */
export class TwoTurns {
  readonly #rounds: Rounds;
  readonly #memory: Memory;

  /** @param plugin Whose turns they are. */
  constructor(rounds: Rounds, plugin: unknown) {
    this.#rounds = rounds;
    this.#memory = rounds.noteOf(
      plugin,
      (): Memory => ({ left: undefined, asked: new Set(), again: new Set() }),
    );
  }

  get isSecond(): boolean {
    return this.#rounds.isSecond;
  }

  /** The turn begins: where others changed the object since, those who want to see it are asked again. */
  begin(object: unknown): void {
    if (this.isSecond && !sameJson(this.#memory.left, object)) this.changed();
  }

  mayAsk(id: string): boolean {
    return !this.isSecond || this.#memory.again.has(id);
  }

  /** It was asked, and wants to be again if anything changes later. */
  wantsMore(id: string): void {
    this.#memory.asked.add(id);
  }

  /** Whoever was asked just now has changed the object. */
  changed(): void {
    for (const id of this.#memory.asked) this.#memory.again.add(id);
    this.#memory.asked.clear();
    this.#rounds.wantsSecond = true;
  }

  end(object: unknown): void {
    this.#memory.left = structuredClone(object);
  }
}

interface Memory {
  /** The object at the end of the turn. */
  left: unknown;
  readonly asked: Set<string>;
  readonly again: Set<string>;
}
