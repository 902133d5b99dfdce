import { ownSetImmediate } from "../base/os/own-timers.ts";

/** So many turns of the event loop without anything passing mean that nobody is at work: longer than any part yields in a row. */
const stillTurns = 6;

/** Resolves when what passes, as `passed` counts it, has stood still for some turns of the event loop, and nothing is under way. */
export function quietOf(passed: () => number, isUnderWay: () => boolean): () => Promise<void> {
  return async () => {
    let seen = passed();
    for (let still = 0; still < stillTurns; still++) {
      await new Promise((resolve) => ownSetImmediate(resolve));
      if (passed() === seen && !isUnderWay()) continue;
      seen = passed();
      still = -1;
    }
  };
}
