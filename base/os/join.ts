import type { Duplex } from "node:stream";
import type { Clock } from "./clock.ts";

/** How long a side that was told all may take to take it. */
const drainMs = 30_000;

/** Each side's end ends the other, once it has taken what was said before; a side that breaks takes the other with it. */
export function join(near: Duplex, far: Duplex, clock: Clock, done: () => void): void {
  let open = 2;
  const closed = (other: Duplex) => () => {
    if (--open === 0) return done();
    // The last words may still be on their way, to a slow client a long one.
    other.end();
    const cancel = clock.after(drainMs, () => other.destroy());
    other.once("close", cancel);
    if (other.writableFinished) other.destroy();
    else other.once("finish", () => other.destroy());
  };
  near.pipe(far);
  far.pipe(near);
  far.on("error", () => near.destroy());
  near.on("close", closed(far));
  far.on("close", closed(near));
}
