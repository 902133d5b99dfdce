import { parseGoDurationMs } from "./os/flags.ts";
import { shown } from "./shown.ts";

/** Milliseconds, or a text with units such as `"90s"`, `"5m"`, `"1h30m"`. */
export type Duration = number | string;

/** In milliseconds. Throws TypeError for what is no duration. */
export function durationMs(duration: Duration): number {
  const ms =
    typeof duration === "number"
      ? duration
      : typeof duration === "string"
        ? parseGoDurationMs(duration)
        : undefined;
  if (ms === undefined || !Number.isFinite(ms) || ms < 0)
    throw new TypeError(
      `${shown(duration)} is no duration: give milliseconds, or a text with units such as "90s" or "5m"`,
    );
  return ms;
}
