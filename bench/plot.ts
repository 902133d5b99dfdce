import type { Goal } from "./load.ts";
import { isMet, type LoadReport, type Report, ratios } from "./report.ts";
import { spread } from "./spread.ts";

const width = 780;
const left = 190;
const right = 60;
const rowHeight = 30;
const curveHeight = 260;
const colours = ["#1f4e79", "#b5651d", "#4a7a3a", "#7a3a6a"];

/** Pure: a report as an SVG, the ratios of each load with its goal above, the rate of puts against clients below. */
export function plot(report: Report): string {
  const ratioHeight = 60 + report.loads.length * report.peers.length * rowHeight;
  const curves = report.loads.filter((load) => load.name.startsWith("put-"));
  const height = ratioHeight + (curves.length > 1 ? curveHeight : 0);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="white"/>`,
    ...ratioPlot(report, ratioHeight),
    ...(curves.length > 1 ? ratePlot(report, curves, ratioHeight) : []),
    "</svg>\n",
  ].join("\n");
}

function ratioPlot(report: Report, height: number): string[] {
  const rows = report.loads.flatMap((load) =>
    report.peers.map((peer) => ({
      load,
      ratio: ratios(load, { pintle: report.pintle, peer }, "perSecond"),
      goal: load.goals.find((goal): goal is Goal & { atLeast: number } => "atLeast" in goal),
      label: report.peers.length > 1 ? `${load.name}, ${peer}` : load.name,
    })),
  );
  const most =
    Math.max(1.2, ...rows.map(({ ratio, goal }) => Math.max(ratio.max, goal?.atLeast ?? 0))) * 1.05;
  const x = (ratio: number) => Math.round(left + (ratio / most) * (width - left - right));
  return [
    `<text x="12" y="20" font-weight="bold">Rate, Pintle ÷ ${report.peers.join(", ")}: median, smallest and largest; the goal is a bar</text>`,
    `<line x1="${x(1)}" y1="30" x2="${x(1)}" y2="${height - 24}" stroke="#999" stroke-dasharray="4 3"/>`,
    `<text x="${x(1)}" y="${height - 10}" text-anchor="middle" fill="#666">1.0</text>`,
    ...rows.map(({ ratio, goal, label }, i) => {
      const y = 44 + i * rowHeight;
      const colour = goal !== undefined && !isMet(goal, ratio.median) ? "#b5651d" : "#1f4e79";
      const bar =
        goal === undefined
          ? ""
          : `<rect x="${x(goal.atLeast) - 2}" y="${y - 10}" width="4" height="20" fill="#999"/>`;
      return [
        `<text x="${left - 12}" y="${y + 4}" text-anchor="end">${label}</text>`,
        bar,
        `<line x1="${x(ratio.min)}" y1="${y}" x2="${x(ratio.max)}" y2="${y}" stroke="${colour}" stroke-width="3"/>`,
        `<circle cx="${x(ratio.median)}" cy="${y}" r="5" fill="${colour}"/>`,
        `<text x="${x(ratio.max) + 10}" y="${y + 4}">${ratio.median.toFixed(2)}</text>`,
      ].join("");
    }),
  ];
}

/** Both axes are logarithmic. */
function ratePlot(report: Report, loads: readonly LoadReport[], top: number): string[] {
  const sides = [report.pintle, ...report.peers];
  const rate = (load: LoadReport, side: string) =>
    spread(load.rounds.map((round) => round[side]?.perSecond ?? 0)).median;
  const clients = loads.map((load) => load.clients);
  const rates = loads.flatMap((load) => sides.map((side) => rate(load, side)));
  const x = logarithmic(Math.min(...clients), Math.max(...clients), left, width - right - 120);
  const bottom = top + curveHeight - 40;
  const y = logarithmic(Math.min(...rates), Math.max(...rates), bottom, top + 40);
  return [
    `<text x="12" y="${top + 20}" font-weight="bold">Puts per second against clients</text>`,
    ...loads.map(
      (load) =>
        `<text x="${x(load.clients)}" y="${bottom + 22}" text-anchor="middle" fill="#666">${load.clients}</text>`,
    ),
    ...sides.map((side, i) => {
      const colour = colours[i % colours.length];
      const points = loads.map((load) => `${x(load.clients)},${y(rate(load, side))}`);
      const last = loads.at(-1) as LoadReport;
      return [
        `<polyline points="${points.join(" ")}" fill="none" stroke="${colour}" stroke-width="2"/>`,
        `<text x="${x(last.clients) + 8}" y="${y(rate(last, side)) + 4 + i * 2}" fill="${colour}">${side}</text>`,
        ...loads.map(
          (load) =>
            `<text x="${x(load.clients)}" y="${y(rate(load, side)) - 6}" text-anchor="middle" fill="${colour}">${Math.round(rate(load, side))}</text>`,
        ),
      ].join("");
    }),
  ];
}

/** Maps [from, to] to places from `first` to `last`. */
function logarithmic(from: number, to: number, first: number, last: number): (value: number) => number {
  const span = Math.log(to / from) || 1;
  return (value) => Math.round(first + (Math.log(value / from) / span) * (last - first));
}
