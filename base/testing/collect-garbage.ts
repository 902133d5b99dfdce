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

/** Which of these somebody still holds. A turn passes first: whatever was looked at in this one is held until it is over. */
export async function areHeld(those: readonly WeakRef<object>[]): Promise<readonly boolean[]> {
  await new Promise(setImmediate);
  collectGarbage();
  return those.map((one) => one.deref() !== undefined);
}
