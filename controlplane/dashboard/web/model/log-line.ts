/** How grave a line is. */
export const levels = ["error", "warn", "info", "debug"] as const;
export type Level = (typeof levels)[number];

/** A line of a container's log, or a word of ours between them. */
export interface LogLine {
  /** Microseconds since 1970, by which lines of several containers are in order. */
  readonly atUs: number;
  /** As the node wrote it; `""` where it wrote none. */
  readonly stamp: string;
  readonly text: string;
  /** Which of the containers; -1 for a word of ours. */
  readonly source: number;
}

export const lineCharsMost = 16_384;

let lastSecond = "";
let lastSecondUs = 0;

/** A line as the API sends it with `timestamps=true`. One without a time takes that of the line before, `beforeUs`. Pure but for
 *  remembering the second that was read last. */
export function readLogLine(line: string, source: number, beforeUs: number): LogLine {
  const space = line.indexOf(" ");
  const stamp = space < 20 ? "" : line.slice(0, space);
  const atUs = stamp === "" ? Number.NaN : stampUs(stamp);
  if (Number.isNaN(atUs)) return { atUs: beforeUs, stamp: "", text: shortened(line), source };
  return { atUs, stamp, text: shortened(line.slice(space + 1)), source };
}

/** The time of an RFC 3339 stamp in microseconds; NaN for anything else. */
export function stampUs(stamp: string): number {
  const second = stamp.slice(0, 19);
  if (second !== lastSecond) {
    const ms = Date.parse(`${second}Z`);
    if (Number.isNaN(ms) || second.length < 19) return Number.NaN;
    lastSecond = second;
    lastSecondUs = ms * 1000;
  }
  const match = /^(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))$/.exec(stamp.slice(19));
  if (match === null) return Number.NaN;
  const [, fraction = "", sign, hours, minutes] = match;
  const offset = sign === undefined ? 0 : (Number(hours) * 60 + Number(minutes)) * (sign === "+" ? -60 : 60);
  return lastSecondUs + offset * 1_000_000 + Number(fraction.padEnd(6, "0").slice(0, 6));
}

/** A cut line is copied, since a part of a text keeps the whole of it in memory. */
function shortened(text: string): string {
  if (text.length <= lineCharsMost) return text;
  const kept = new TextDecoder().decode(new TextEncoder().encode(text.slice(0, lineCharsMost)));
  return `${kept}… (${text.length - lineCharsMost} more characters)`;
}

const words: Readonly<Record<string, Level>> = {
  trace: "debug",
  debug: "debug",
  dbg: "debug",
  info: "info",
  information: "info",
  notice: "info",
  warn: "warn",
  warning: "warn",
  wrn: "warn",
  err: "error",
  error: "error",
  severe: "error",
  fatal: "error",
  critical: "error",
  crit: "error",
  panic: "error",
  alert: "error",
  emerg: "error",
  emergency: "error",
};
const klogLetters: Readonly<Record<string, Level>> = { I: "info", W: "warn", E: "error", F: "error" };
const field = /(?:"(?:level|severity|lvl|log\.level|levelname)"\s*:\s*|\b(?:level|severity|lvl)=)"?(\w+)/i;
const word =
  /\b(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERR(?:OR)?|SEVERE|FATAL|CRIT(?:ICAL)?|PANIC|EMERG)\b|\[(?:trace|debug|info|notice|warn|error|crit|alert|emerg)\]|^(?:warning|error|fatal|panic)(?=:)/;
/** Where a line says how grave it is, if it does. */
const headChars = 400;

/** How grave a line says it is: as a field of JSON or logfmt, as klog's first letter, or as a word in front. Pure. */
export function levelOf(text: string): Level | undefined {
  const head = text.length > headChars ? text.slice(0, headChars) : text;
  const klog = /^([IWEF])\d{4} \d\d:/.exec(head)?.[1];
  if (klog !== undefined) return klogLetters[klog];
  const given = field.exec(head)?.[1]?.toLowerCase();
  if (given !== undefined) {
    // Pino and Bunyan number them.
    if (/^\d\d$/.test(given))
      return Number(given) >= 50
        ? "error"
        : Number(given) >= 40
          ? "warn"
          : Number(given) >= 30
            ? "info"
            : "debug";
    if (words[given]) return words[given];
  }
  const found = word.exec(head)?.[0].replace(/[[\]]/g, "").toLowerCase();
  return found === undefined ? undefined : words[found];
}

export interface JsonLine {
  readonly message: string;
  /** The others, but what says when and how grave; names of nested ones joined by dots. */
  readonly fields: readonly (readonly [string, string])[];
}

const messageNames = ["msg", "message", "event", "log", "body"];
const shownElsewhere = new Set([
  "level",
  "severity",
  "lvl",
  "levelname",
  "time",
  "ts",
  "timestamp",
  "@timestamp",
  "log.level",
]);
const fieldsMost = 100;
const depthMost = 4;

/** A line that is a JSON object; undefined for others. Pure. */
export function jsonLineOf(text: string): JsonLine | undefined {
  if (!text.startsWith("{")) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const fields: [string, string][] = [];
  const take = (object: object, prefix: string, depth: number) => {
    for (const [name, one] of Object.entries(object)) {
      if (fields.length >= fieldsMost) return;
      const path = `${prefix}${name}`;
      if (typeof one === "object" && one !== null && !Array.isArray(one) && depth < depthMost)
        take(one, `${path}.`, depth + 1);
      else fields.push([path, typeof one === "string" ? one : JSON.stringify(one)]);
    }
  };
  take(value as object, "", 1);
  const messageName = messageNames.find((name) => fields.some(([each]) => each === name)) ?? "";
  return {
    message: fields.find(([name]) => name === messageName)?.[1] ?? "",
    fields: fields.filter(([name]) => name !== messageName && !shownElsewhere.has(name)),
  };
}

/** A line in one row: its message first, then its fields. Pure. */
export function shownText(text: string, readsJson: boolean): string {
  const json = readsJson ? jsonLineOf(text) : undefined;
  // Escape sequences colour a terminal, and are noise here.
  if (json === undefined) return text.includes("\x1b") ? withoutEscapes(text) : text;
  return [
    json.message,
    ...json.fields.map(([name, value]) => `${name}=${/[\s"=]/.test(value) ? JSON.stringify(value) : value}`),
  ]
    .filter(Boolean)
    .join("  ");
}

const escapes = /\x1b(?:\[[0-9;?]*[ -/]*[@-~]|[@-Z\\-_])/g;
const withoutEscapes = (text: string): string => text.replace(escapes, "");

/** How many cells of a fixed-width font a text takes, at least as many as are drawn. Pure. */
export function cellsOf(text: string): number {
  let cells = text.length;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 0x2e7f) cells++;
    else if (code === 9) cells += 7;
  }
  return cells;
}
