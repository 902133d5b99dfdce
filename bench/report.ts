import type { RoundResult } from "./generator/drive.ts";
import type { Figure, Goal } from "./load.ts";
import type { StageTimes } from "./profile.ts";
import { type Spread, spread } from "./spread.ts";
import { stages } from "./stages.ts";

/** What one round of a load on one side gave. */
export interface SideRound extends RoundResult {
  readonly cpuMsPerThousand: number;
  /** Memory of the member that had most: when the round began, at its peak, and when the round was over. */
  readonly beforeMb: number;
  readonly peakMb: number;
  readonly afterMb: number;
}

/** The rounds of one load: in each, every side was measured once, under its name. */
export interface LoadReport {
  readonly name: string;
  readonly what: string;
  readonly clients: number;
  readonly goals: readonly Goal[];
  readonly rounds: readonly Readonly<Record<string, SideRound>>[];
  /** Of Pintle, from one further round; absent: not asked for. */
  readonly stageTimes?: StageTimes;
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
    load.rounds.map((round) => figureOf(round[sides.pintle], figure) / figureOf(round[sides.peer], figure)),
  );
}

function figureOf(round: SideRound | undefined, figure: Figure): number {
  if (round === undefined) return 0;
  return figure === "growthMb" ? round.peakMb - round.beforeMb : round[figure];
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
  seconds: "time",
  p50Ms: "p50",
  p99Ms: "p99",
  cpuMsPerThousand: "CPU",
  peakMb: "memory",
  growthMb: "growth of memory",
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
    `${report.members} members of each on loopback of one machine (${report.machine}), the generator beside them; ${report.rounds} ${report.rounds === 1 ? "round" : "rounds"} of ${report.seconds} s each,`,
    "the sides in turn. A ratio is Pintle's figure divided by the other's, the median of the rounds, with the smallest and the largest.\n",
    `    ${report.command}\n`,
    ...comparisons,
    "## Figures\n",
    "CPU is of all members, per request; memory is of the member that had most, as the round began, at its peak and after the round;",
    "the generator's CPU is per request too. Medians.\n",
    markdownTable(figuresHeader, figureRows(report, sides)),
    ...tenthsSection(report, sides),
    ...stepsSection(report, sides),
    ...stageSection(report),
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
  "memory MB before",
  "peak",
  "after",
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
        rateText(of((round) => round.perSecond)),
        of((round) => round.p50Ms).toFixed(2),
        of((round) => round.p99Ms).toFixed(2),
        of((round) => round.cpuMsPerThousand).toFixed(0),
        of((round) => (round.generatorCpuSeconds * 1e6) / round.requests).toFixed(1),
        of((round) => round.beforeMb).toFixed(0),
        of((round) => round.peakMb).toFixed(0),
        of((round) => round.afterMb).toFixed(0),
        String(load.rounds.reduce((sum, round) => sum + (round[side]?.failures ?? 0), 0)),
      ];
    }),
  );
}

/** A rate per second; small ones with their decimals. */
export const rateText = (perSecond: number) =>
  perSecond < 10 ? perSecond.toFixed(2) : Math.round(perSecond).toLocaleString("en-US");

function tenthsSection(report: Report, sides: readonly string[]): string[] {
  const rows = report.loads.flatMap((load) =>
    load.rounds.flatMap((round) => sides.flatMap((side) => tenthsRow(load, side, round[side]?.tenths))),
  );
  if (rows.length === 0) return [];
  return [
    "## The first and the last tenth of a load\n",
    markdownTable(["load", "side", "first tenth, per second", "last tenth", "last ÷ first"], rows),
  ];
}

function tenthsRow(load: LoadReport, side: string, tenths: readonly number[] = []): string[][] {
  const [first] = tenths;
  const last = tenths.at(-1);
  if (first === undefined || last === undefined) return [];
  return [[load.what, side, rateText(first), rateText(last), (last / first).toFixed(2)]];
}

function stepsSection(report: Report, sides: readonly string[]): string[] {
  const rows = report.loads.flatMap(({ what, rounds }) =>
    rounds.flatMap((round) =>
      sides.flatMap((side) =>
        (round[side]?.steps ?? []).map(({ name, seconds }) => [what, side, name, seconds.toFixed(2)]),
      ),
    ),
  );
  if (rows.length === 0) return [];
  return ["## The steps of a load\n", markdownTable(["load", "side", "step", "seconds"], rows)];
}

function stageSection(report: Report): string[] {
  const profiled = report.loads.filter((load) => load.stageTimes !== undefined);
  if (profiled.length === 0) return [];
  const rows = profiled.map(({ what, stageTimes = {} }) => {
    const times = stages.map((stage) => stageTimes[stage] ?? 0);
    const all = times.reduce((sum, time) => sum + time, 0);
    return [what, ...times.map((time) => `${((100 * time) / all).toFixed(0)} %`)];
  });
  return [
    "## Where the time of Pintle's members goes\n",
    "Shares of the time that the threads of JavaScript were busy, of all members, from one further round whose members were sampled.",
    "Work of other threads (the collector's, LevelDB, fdatasync) is not in it.\n",
    markdownTable(["load", ...stages], rows),
  ];
}

/** The first column is text, the others are figures. */
function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return `${[line(header), line(header.map((_, i) => (i === 0 ? "---" : "--:"))), ...rows.map(line)].join("\n")}\n`;
}
