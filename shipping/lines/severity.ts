import type { Severity } from "../record.ts";

const words: Readonly<Record<string, Severity>> = {
  trace: "debug",
  debug: "debug",
  info: "info",
  information: "info",
  notice: "info",
  warn: "warn",
  warning: "warn",
  error: "error",
  err: "error",
  critical: "fatal",
  crit: "fatal",
  fatal: "fatal",
  panic: "fatal",
  emerg: "fatal",
  alert: "fatal",
};
const klogLetters: Readonly<Record<string, Severity>> = { I: "info", W: "warn", E: "error", F: "fatal" };
/** A level stands near the beginning of a line. */
const lookedAtChars = 256;

/** What a line says of itself: a JSON field or `level=…`, klog's letter, or a word in capitals or after the time. */
export function severityOf(line: string): Severity | undefined {
  const text = line.slice(0, lookedAtChars);
  const field = /"?\b(?:level|severity|lvl)"?\s{0,2}[:=]\s{0,2}"?([A-Za-z]{3,11})\b/.exec(text);
  if (field !== null) return severityWord(field[1]);
  const klog = /^([IWEF])\d{4} /.exec(text);
  if (klog !== null) return klogLetters[klog[1] ?? ""];
  const word =
    /^(?:[^\sA-Za-z]\S{0,40}\s{1,3}){0,2}\[?(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|PANIC|trace|debug|info|warn|warning|error|fatal)\b/.exec(
      text,
    );
  return severityWord(word?.[1]);
}

const severityWord = (word: string | undefined): Severity | undefined => {
  const low = word?.toLowerCase() ?? "";
  return Object.hasOwn(words, low) ? words[low] : undefined;
};
