import type { FoundCounts, FoundEntry, FoundSource } from "../../client/logs/search-records.ts";
import { timestampUs } from "../../client/logs/search-request.ts";

/** How what a search finds is shown on a terminal. Pure. */

/** `2026-12-01T08:00:00.123Z shop/web-1/app│cannot connect` */
export function entryLine(entry: FoundEntry, source: FoundSource | undefined): string {
  const { text, textBytes } = entry;
  const time = entry.time.replace(/(\.\d{3})\d*Z$/, "$1Z");
  const cut = textBytes === undefined ? "" : ` … (${textBytes} bytes)`;
  return `${time} ${neutral(writer(source))}│ ${neutral(shown(text, source))}${cut}\n`;
}

function writer(source: FoundSource | undefined): string {
  if (source === undefined) return "";
  const { kind, namespace = "", pod = "", container = "", component = "", node = "" } = source;
  if (kind === "container") return `${namespace}/${pod}/${container}`;
  if (kind === "event") return namespace;
  return node === "" || node === component ? component : `${component}@${node}`;
}

/** An event as kubectl says it; anything else as it is. */
function shown(text: string, source: FoundSource | undefined): string {
  if (source?.kind !== "event") return text;
  const event = objectIn(text);
  if (event === undefined) return text;
  const about = (event.involvedObject ?? event.regarding ?? {}) as { kind?: string; name?: string };
  const { type = "", reason = "", message = event.note ?? "" } = event;
  return `${type} ${reason} ${(about.kind ?? "").toLowerCase()}/${about.name ?? ""}: ${message}`;
}

function objectIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const said: unknown = JSON.parse(text);
    return typeof said === "object" && said !== null
      ? (said as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** What would move a terminal's cursor, change its colours or give it orders is written out. */
export function neutral(text: string): string {
  return text.replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g, (one) => {
    const code = one.charCodeAt(0);
    return `\\x${code.toString(16).padStart(2, "0")}`;
  });
}

/** One object a line, with who wrote it. */
export function entryJson(entry: FoundEntry, source: FoundSource | undefined): string {
  const { source: _, time, ...what } = entry;
  const { id: _id, ...who } = source ?? {};
  return `${JSON.stringify({ time, ...who, ...what })}\n`;
}

const barWidth = 40;

/** A line for each step of time, with a bar. */
export function countLines({ from, stepMs, series }: FoundCounts): string {
  const fromMs = (timestampUs(from) ?? 0) / 1000;
  const most = Math.max(1, ...series.flatMap(({ counts }) => counts));
  const digits = String(most).length;
  let text = "";
  for (const { name, counts } of series) {
    if (name !== "") text += `${neutral(name)}\n`;
    for (const [step, count] of counts.entries()) {
      const time = new Date(fromMs + step * stepMs).toISOString().replace(/\.000Z$/, "Z");
      const bar = "█".repeat(Math.ceil((count / most) * barWidth));
      text += `${time} ${String(count).padStart(digits)} ${bar}`.trimEnd();
      text += "\n";
    }
  }
  return text;
}
