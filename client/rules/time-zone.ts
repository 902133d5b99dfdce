/** Names of time zones of the IANA database, as this runtime knows it. */

const canonical = new Map(Intl.supportedValuesOf("timeZone").map((name) => [name.toLowerCase(), name]));
/** Names that the runtime has and the database has not. */
const runtimeOnly: ReadonlySet<string> = new Set(["Etc/Unknown"]);

/** Whether there is a zone of that name, letter by letter: the runtime does not care for their case, the database does.
 *  An older name of a zone (`US/Eastern`) is taken if each of its parts begins with a capital. */
export function isTimeZone(name: string): boolean {
  const own = canonical.get(name.toLowerCase());
  if (own !== undefined) return own === name;
  if (runtimeOnly.has(name) || !/^[A-Z][A-Za-z0-9_+-]*(\/[A-Z][A-Za-z0-9_+-]*)*$/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** A wall clock's reading. */
export interface CalendarTime {
  readonly year: number;
  /** January is 1. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

/** What clocks show somewhere, and when they show it. */
export class ZoneClock {
  readonly #format: Intl.DateTimeFormat | undefined;

  /** @param timeZone A name that `isTimeZone` takes; absent: this machine's own zone. */
  constructor(timeZone?: string) {
    const zone = timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
    const numeric = "numeric";
    this.#format =
      zone === "UTC"
        ? undefined
        : new Intl.DateTimeFormat("en-US-u-ca-gregory-nu-latn", {
            timeZone: zone,
            hourCycle: "h23",
            year: numeric,
            month: numeric,
            day: numeric,
            hour: numeric,
            minute: numeric,
            second: numeric,
          });
  }

  at(epochMs: number): CalendarTime {
    const local = new Date(epochMs + this.offsetMs(epochMs));
    return {
      year: local.getUTCFullYear(),
      month: local.getUTCMonth() + 1,
      day: local.getUTCDate(),
      hour: local.getUTCHours(),
      minute: local.getUTCMinutes(),
      second: local.getUTCSeconds(),
    };
  }

  /** The moment of a reading; days and months beyond the end go on into the next month and year. Of a reading that clocks
   *  skip or show twice, what Go's time.Date takes it for. */
  epochMs(year: number, month: number, day: number, hour = 0): number {
    const local = Date.UTC(year, month - 1, day, hour);
    const offset = this.offsetMs(local);
    return offset === 0 ? local : local - this.offsetMs(local - offset);
  }

  /** How far clocks are before UTC's at a moment. */
  offsetMs(epochMs: number): number {
    if (this.#format === undefined) return 0;
    const whole = Math.floor(epochMs / 1000) * 1000;
    const parts = new Map(this.#format.formatToParts(whole).map(({ type, value }) => [type, Number(value)]));
    const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0;
    const shown = Date.UTC(
      part("year"),
      part("month") - 1,
      part("day"),
      part("hour"),
      part("minute"),
      part("second"),
    );
    return shown - whole;
  }
}
