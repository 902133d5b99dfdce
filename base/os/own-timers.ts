import { performance } from "node:perf_hooks";
import timers from "node:timers";

/** The machine's own timers and time, as they are when the program is loaded. Test runners put others in their place, whose time
 *  stands still (`jest.useFakeTimers`): what is behind a cluster inside a test must go on, by the cluster's clock. */
export const {
  setTimeout: ownSetTimeout,
  clearTimeout: ownClearTimeout,
  setInterval: ownSetInterval,
  clearInterval: ownClearInterval,
  setImmediate: ownSetImmediate,
  clearImmediate: ownClearImmediate,
} = timers;

const { now: wallNow } = Date;
const measured = performance.now;

/** Milliseconds since 1970. */
export const ownWallMs = (): number => wallNow();
/** Milliseconds that only ever rise. */
export const ownMonotonicMs = (): number => measured.call(performance);
