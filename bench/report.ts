import type { RoundResult } from "./generator/drive.ts";
import type { Figure, Goal } from "./loads.ts";
import { type Spread, spread } from "./spread.ts";

/** What one round of a load on one side gave. */
export interface SideRound extends RoundResult {
  readonly cpuMsPerThousand: number;
  /** Of the member that had most. */
  readonly peakMb: number;
}

/** The rounds of one load: in each, every side was measured once, under its name. */
export interface LoadReport {
  readonly name: string;
  readonly what: string;
  readonly clients: number;
  readonly goals: readonly Goal[];
  readonly rounds: readonly Readonly<Record<string, SideRound>>[];
}

export interface Report {
  readonly members: number;
  readonly seconds: number;
  readonly rounds: number;
  /** As a user repeats it. */
  readonly command: string;
  readonly machine: string;
  /** Ours, and those that it is compared with. */
  readonly pintle: string;
  readonly peers: readonly string[];
  readonly loads: readonly LoadReport[];
}

/** Pintle's figure divided by a peer's, round by round. */
export function ratios(load: LoadReport, sides: Sides, figure: Figure): Spread {
  return spread(
    load.rounds.map((round) => (round[sides.pintle]?.[figure] ?? 0) / (round[sides.peer]?.[figure] ?? 0)),
  );
}

export interface Sides {
  readonly pintle: string;
  readonly peer: string;
}

export function isMet(goal: Goal, ratio: number): boolean {
  return "atLeast" in goal ? ratio >= goal.atLeast : ratio <= goal.atMost;
}

const figureNames: Readonly<Record<Figure, string>> = {
  perSecond: "rate",
  p50Ms: "p50",
  p99Ms: "p99",
  cpuMsPerThousand: "CPU",
  peakMb: "memory",
};

/** The whole report in Markdown. */
export function markdown(report: Report): string {
  const comparisons = report.peers.flatMap((peer) => [
    `## Beside ${peer}\n`,
    markdownTable(comparisonHeader, comparisonRows(report, peer)),
  ]);
  const sides = [report.pintle, ...report.peers];
  return `${[
    "# The store beside etcd\n",
    `${report.members} members of each on loopback of one machine (${report.machine}), the generator beside them; ${report.rounds} rounds of ${report.seconds} s each,`,
    "the sides in turn. A ratio is Pintle's figure divided by the other's, the median of the rounds, with the smallest and the largest.\n",
    `    ${report.command}\n`,
    ...comparisons,
    "## Figures\n",
    "CPU is of all members, per request; memory is the peak of the member that had most; the generator's CPU is per request too. Medians.\n",
    markdownTable(figuresHeader, figureRows(report, sides)),
  ].join("\n")}`;
}

const comparisonHeader = ["load", "rate ×", "p50 ×", "p99 ×", "CPU ×", "memory ×", "goal"];

function comparisonRows(report: Report, peer: string): string[][] {
  const sides = { pintle: report.pintle, peer };
  return report.loads.map((load) => {
    const rate = ratios(load, sides, "perSecond");
    const median = (figure: Figure) => ratios(load, sides, figure).median.toFixed(2);
    return [
      load.what,
      `${rate.median.toFixed(2)} (${rate.min.toFixed(2)}–${rate.max.toFixed(2)})`,
      median("p50Ms"),
      median("p99Ms"),
      median("cpuMsPerThousand"),
      median("peakMb"),
      load.goals.map((goal) => verdict(goal, ratios(load, sides, goal.figure).median)).join("; "),
    ];
  });
}

function verdict(goal: Goal, ratio: number): string {
  const wanted = "atLeast" in goal ? `≥ ${goal.atLeast}` : `≤ ${goal.atMost}`;
  return `${figureNames[goal.figure]} ${wanted}: ${isMet(goal, ratio) ? "met" : "**not met**"}`;
}

const figuresHeader = [
  "load",
  "side",
  "per second",
  "p50 ms",
  "p99 ms",
  "CPU µs",
  "generator µs",
  "memory MB",
  "failures",
];

function figureRows(report: Report, sides: readonly string[]): string[][] {
  return report.loads.flatMap((load) =>
    sides.map((side) => {
      const of = (figure: (round: SideRound) => number) =>
        spread(load.rounds.flatMap((round) => (round[side] === undefined ? [] : [figure(round[side])])))
          .median;
      return [
        load.what,
        side,
        Math.round(of((round) => round.perSecond)).toLocaleString("en-US"),
        of((round) => round.p50Ms).toFixed(2),
        of((round) => round.p99Ms).toFixed(2),
        of((round) => round.cpuMsPerThousand).toFixed(0),
        of((round) => (round.generatorCpuSeconds * 1e6) / round.requests).toFixed(1),
        of((round) => round.peakMb).toFixed(0),
        String(load.rounds.reduce((sum, round) => sum + (round[side]?.failures ?? 0), 0)),
      ];
    }),
  );
}

/** The first column is text, the others are figures. */
function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return `${[line(header), line(header.map((_, i) => (i === 0 ? "---" : "--:"))), ...rows.map(line)].join("\n")}\n`;
}
