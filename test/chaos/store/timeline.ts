import type { SeenCall } from "./register-clients.ts";

/** Something that was done to the cluster, by `performance.now()`. */
export interface Span {
  readonly name: string;
  readonly fromMs: number;
  readonly toMs: number;
}

const widthPx = 1_600;
const chartPx = 200;
const rowPx = 16;
const shortestBinMs = 250;

/** A picture of a run: answered calls and others, a bar for each quarter of a second or, in long runs, each pixel; below is what
 *  was done meanwhile. */
export function timeline(calls: readonly SeenCall[], spans: readonly Span[]): string {
  // Too many for the arguments of one call.
  const startMs = [...calls, ...spans.map(({ fromMs }) => ({ startMs: fromMs }))].reduce(
    (first, { startMs }) => Math.min(first, startMs),
    Number.POSITIVE_INFINITY,
  );
  const endMs = [...calls, ...spans.map(({ toMs }) => ({ toldMs: toMs }))].reduce(
    (last, { toldMs }) => Math.max(last, toldMs),
    Number.NEGATIVE_INFINITY,
  );
  const binMs = Math.max(shortestBinMs, Math.ceil((endMs - startMs) / widthPx));
  const x = (ms: number) => Math.round(((ms - startMs) / (endMs - startMs)) * widthPx);
  const bins = new Map<number, { answered: number; failed: number }>();
  for (const { toldMs, isAnswered } of calls) {
    const at = Math.floor((toldMs - startMs) / binMs);
    const bin = bins.get(at) ?? { answered: 0, failed: 0 };
    if (isAnswered) bin.answered++;
    else bin.failed++;
    bins.set(at, bin);
  }
  const most = Math.max(1, ...[...bins.values()].map(({ answered, failed }) => answered + failed));
  const height = (count: number) => Math.round((count / most) * chartPx);
  const bars = [...bins].map(([at, { answered, failed }]) => {
    const left = x(startMs + at * binMs);
    const width = Math.max(1, x(startMs + (at + 1) * binMs) - left);
    return (
      rect({ left, top: chartPx - height(answered), width, height: height(answered), colour: "#4a90d9" }) +
      rect({ left, top: 0, width, height: height(failed), colour: "#d94a4a" })
    );
  });
  const names = [...new Set(spans.map(({ name }) => name))];
  const rows = spans.map(({ name, fromMs, toMs }) => {
    const top = chartPx + 10 + names.indexOf(name) * rowPx;
    const width = Math.max(2, x(toMs) - x(fromMs));
    return rect({ left: x(fromMs), top, width, height: rowPx - 4, colour: "#e8a33d" });
  });
  const labels = names.map(
    (name, at) => `<text x="4" y="${chartPx + 10 + at * rowPx + 10}" font-size="11">${escaped(name)}</text>`,
  );
  const heightPx = chartPx + 40 + names.length * rowPx;
  const seconds = ((endMs - startMs) / 1_000).toFixed(0);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${widthPx}" height="${heightPx}" font-family="sans-serif">`,
    ...bars,
    ...rows,
    ...labels,
    `<text x="4" y="${heightPx - 6}" font-size="11">${seconds} s; blue: answered calls, ${most} in ${binMs} ms at most; red: calls without an answer</text>`,
    "</svg>\n",
  ].join("\n");
}

function rect(at: {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly colour: string;
}): string {
  const { left, top, width, height, colour } = at;
  return `<rect x="${left}" y="${top}" width="${width}" height="${height}" fill="${colour}"/>`;
}

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
