import type { EventWindow } from "./event-window.ts";

/** What all windows together may keep, unless configured otherwise: 75 s of some 3000 changes of pods a second. */
export const historyBytesDefault = 256 * 1024 * 1024;
/** From this part of the budget on, windows compress. */
const roomyPart = 1 / 4;

/** Drops the oldest events, of whichever kind, until the windows fit into `bytesMax`; every window keeps its newest. */
export function fitIntoBudget(windows: readonly EventWindow[], bytesMax: number): void {
  let sizeBytes = windows.reduce((sum, window) => sum + window.sizeBytes, 0);
  for (const window of windows) window.compresses = sizeBytes > bytesMax * roomyPart;
  while (sizeBytes > bytesMax) {
    const window = oldestOf(windows);
    if (window === undefined) return;
    const beforeBytes = window.sizeBytes;
    window.dropOldest();
    sizeBytes -= beforeBytes - window.sizeBytes;
  }
}

function oldestOf(windows: readonly EventWindow[]): EventWindow | undefined {
  let found: EventWindow | undefined;
  for (const window of windows) {
    if (window.count < 2) continue;
    if (found === undefined || (window.oldestMs ?? 0) < (found.oldestMs ?? 0)) found = window;
  }
  return found;
}
