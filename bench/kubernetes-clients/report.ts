import { spread } from "../spread.ts";
import type { SideName } from "./sides.ts";

/** One figure of one round, of each side. */
export interface Figure {
  readonly what: string;
  readonly unit: string;
  readonly round: number;
  readonly side: SideName;
  readonly value: number;
}

const shown = (value: number) =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);

/** The medians beside each other, and ours as a part of the other's, round by round. Pure. */
export function markdown(figures: readonly Figure[], heading: string): string {
  const rows = [...new Set(figures.map(({ what, unit }) => `${what}|${unit}`))].map((row) => {
    const [what = "", unit = ""] = row.split("|");
    const of = (side: SideName) =>
      figures.filter((one) => one.what === what && one.unit === unit && one.side === side);
    const [ours, theirs] = [of("pintle"), of("client-node")];
    const ratios = ours.map(
      ({ round, value }) => value / (theirs.find((one) => one.round === round)?.value ?? Number.NaN),
    );
    const { min, median, max } = spread(ratios);
    const middle = (all: readonly Figure[]) => shown(spread(all.map(({ value }) => value)).median);
    return `| ${what} | ${unit} | ${middle(ours)} | ${middle(theirs)} | ${shown(median)} (${shown(min)}–${shown(max)}) |`;
  });
  return [
    heading,
    "",
    "| | | pintle/client | @kubernetes/client-node | ratio (of rounds) |",
    "| --- | --- | --: | --: | --: |",
    ...rows,
    "",
  ].join("\n");
}
