import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

let collect: (() => void) | undefined;

/** Frees all memory that nobody holds any more. */
export function collectGarbage(): void {
  if (collect === undefined) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as () => void;
  }
  collect();
}

const roundsMax = 5;

/** Which of these somebody still holds. A turn passes first: whatever was looked at in this one is held until it is over. What the
 *  runtime itself keeps for one more turn (a promise that has just settled, a signal made of others) goes in a later round. */
export async function areHeld(those: readonly WeakRef<object>[]): Promise<readonly boolean[]> {
  for (let round = 1; ; round++) {
    await new Promise(setImmediate);
    collectGarbage();
    const held = those.map((one) => one.deref() !== undefined);
    if (round === roundsMax || !held.includes(true)) return held;
  }
}
