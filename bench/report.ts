import type { RoundResult } from "./load.ts";

/** Pure: measured rounds to a table, JSON and a plot. */
export interface SideRound extends RoundResult {
  readonly cpuMsPerThousand: number;
  readonly residentMb: number;
}
export interface LoadReport {
  readonly name: string;
  readonly what: string;
  readonly rounds: readonly { readonly pintle: SideRound; readonly etcd: SideRound }[];
}
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median =
    sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
  return { min: sorted[0] ?? 0, median, max: sorted.at(-1) ?? 0 };
}

/** Pintle divided by etcd, round by round. For throughput above 1 is better; for latency, CPU and memory below 1. */
export function ratios(
  report: LoadReport,
  figure: keyof SideRound & ("perSecond" | "p50Ms" | "p99Ms" | "cpuMsPerThousand" | "residentMb"),
): Spread {
  return spread(report.rounds.map(({ pintle, etcd }) => pintle[figure] / etcd[figure]));
}

export function table(reports: readonly LoadReport[]): string {
  const header = ["load", "pintle/s", "etcd/s", "throughput ×", "(min–max)", "p99 ×", "cpu ×", "memory ×"];
  const rows = reports.map((report) => {
    const perSecond = ratios(report, "perSecond");
    return [
      report.name,
      whole(spread(report.rounds.map((round) => round.pintle.perSecond)).median),
      whole(spread(report.rounds.map((round) => round.etcd.perSecond)).median),
      perSecond.median.toFixed(2),
      `${perSecond.min.toFixed(2)}–${perSecond.max.toFixed(2)}`,
      ratios(report, "p99Ms").median.toFixed(2),
      ratios(report, "cpuMsPerThousand").median.toFixed(2),
      ratios(report, "residentMb").median.toFixed(2),
    ];
  });
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  return [header, ...rows]
    .map(
      (row) =>
        `${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  ")}\n`,
    )
    .join("");
}

/** Throughput ratios with their spread as an SVG: a dot for the median, a line from minimum to maximum, 1.0 marked. */
export function plot(reports: readonly LoadReport[]): string {
  const rowHeight = 34;
  const left = 170;
  const width = 720;
  const height = 60 + reports.length * rowHeight;
  const most = Math.max(1.2, ...reports.map((report) => ratios(report, "perSecond").max)) * 1.05;
  const x = (ratio: number) => left + (ratio / most) * (width - left - 30);
  const rows = reports.map((report, i) => {
    const y = 44 + i * rowHeight;
    const ratio = ratios(report, "perSecond");
    return [
      `<text x="${left - 12}" y="${y + 4}" text-anchor="end">${report.name}</text>`,
      `<line x1="${x(ratio.min)}" y1="${y}" x2="${x(ratio.max)}" y2="${y}" stroke="#4a7fb5" stroke-width="4"/>`,
      `<circle cx="${x(ratio.median)}" cy="${y}" r="6" fill="#1f4e79"/>`,
      `<text x="${x(ratio.max) + 10}" y="${y + 4}">${ratio.median.toFixed(2)}</text>`,
    ].join("");
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width + 60}" height="${height}" font-family="sans-serif" font-size="13">`,
    `<rect width="100%" height="100%" fill="white"/>`,
    `<text x="12" y="20" font-weight="bold">Throughput, Pintle ÷ etcd (median, min–max of rounds)</text>`,
    `<line x1="${x(1)}" y1="30" x2="${x(1)}" y2="${height - 14}" stroke="#999" stroke-dasharray="4 3"/>`,
    `<text x="${x(1)}" y="${height - 2}" text-anchor="middle" fill="#666">1.0</text>`,
    ...rows,
    "</svg>\n",
  ].join("\n");
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
