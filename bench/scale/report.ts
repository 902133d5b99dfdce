import { cpus } from "node:os";
import type { ScaleFigures } from "./measure.ts";

interface Row {
  readonly what: string;
  readonly value: number | undefined;
  /** What it is to stay below. */
  readonly target?: number;
  readonly unit: string;
}

/** Pure: measured figures to a report in Markdown. */
export function markdown(
  figures: ScaleFigures,
  setup: { readonly nodes: number; readonly pods: number },
): string {
  const { nodes, pods } = setup;
  const { components } = figures;
  const sum = (of: (one: (typeof components)[number]) => number) =>
    components.reduce((total, one) => total + of(one), 0);
  const rows: Row[] = [
    { what: `${nodes} nodes ready`, value: figures.nodesReadySeconds, target: 20, unit: "s" },
    {
      what: `a Deployment of ${pods} pods available`,
      value: figures.podsRunningSeconds,
      target: 20,
      unit: "s",
    },
    { what: "`kubectl get pods -A`", value: figures.kubectlSeconds, target: 2, unit: "s" },
    { what: "the Deployment rolled", value: figures.rollSeconds, unit: "s" },
    { what: "all of it at rest", value: sum(({ cores }) => cores), target: 0.5, unit: "cores" },
    { what: "memory of all", value: sum(({ residentMb }) => residentMb), unit: "MB" },
  ];
  return [
    "# Many nodes and pods",
    "",
    `An API server with its store, scheduler, controller manager and ${nodes} simulated nodes, a process each, on this machine`,
    `(${cpus().length} cores).`,
    "",
    "| | measured | target |",
    "| --- | --- | --- |",
    ...rows.map(({ what, value, target, unit }) => {
      const text = value === undefined ? "not in time" : `${shown(value)} ${unit}`;
      const met = value !== undefined && target !== undefined && value < target ? "met" : "missed";
      return `| ${what} | ${text} | ${target === undefined ? "" : `< ${target} ${unit}: ${met}`} |`;
    }),
    "",
    "| process | cores at rest | CPU in all, s | resident, MB |",
    "| --- | --- | --- | --- |",
    ...components.map(
      ({ name, cores, cpuSeconds, residentMb }) =>
        `| ${name} | ${cores.toFixed(3)} | ${shown(cpuSeconds)} | ${shown(residentMb)} |`,
    ),
    "",
    "`npm run bench:scale` writes this file.",
    "",
  ].join("\n");
}

const shown = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString("en-US") : value.toFixed(2);
