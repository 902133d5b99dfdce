import { writeFileSync } from "node:fs";
import { flagHelp, parseFlags } from "../../base/os/flags.ts";
import { asCommand } from "../as-command.ts";
import { type ApiFigures, measureOverApi } from "./measure-api.ts";
import { type CycleFigures, measureCycles } from "./measure-cycles.ts";
import { markdown, type Row } from "./report.ts";
import { workloads } from "./workloads.ts";

const flags = {
  nodes: { kind: "list", default: ["500", "5000"], help: "sizes of the cluster" },
  pods: { kind: "integer", default: 10_000, help: "pods that are measured" },
  only: { kind: "string", default: "", help: "only workloads whose name has this" },
  "cycle-only": { kind: "boolean", default: false, help: "decisions alone, without an API server" },
  clients: { kind: "integer", default: 32, help: "clients that create, with one request each at a time" },
  seconds: { kind: "integer", default: 120, help: "what is not scheduled after so long is not waited for" },
  out: { kind: "string", default: "bench/scheduler-report.md", help: "the report" },
  help: { kind: "boolean", default: false, short: "h", help: "show this" },
} as const;

async function main(argv: readonly string[]): Promise<void> {
  const { flags: given } = parseFlags(flags, argv);
  if (given.help) {
    process.stdout.write(`npm run bench:scheduler -- [flags]\n${flagHelp(flags)}\n`);
    return;
  }
  const rows: Row[] = [];
  for (const nodes of given.nodes.map(Number))
    for (const workload of workloads(nodes)) {
      if (!workload.name.includes(given.only)) continue;
      // No more than have room where each needs a node of its own, or drives others out.
      const bounded = ["required anti-affinity", "preemption"].includes(workload.name);
      const pods = bounded ? Math.min(given.pods, Math.floor(nodes / 2)) : fitting(nodes, given.pods);
      const cycle: CycleFigures = measureCycles(workload, nodes, pods);
      const options = { nodes, pods, clients: given.clients, mostMs: given.seconds * 1000 };
      const api: ApiFigures | undefined = given["cycle-only"]
        ? undefined
        : await measureOverApi(workload, options);
      rows.push({ workload, nodes, pods, cycle, api });
      process.stdout.write(
        `${nodes} nodes, ${workload.name}: ${Math.round(cycle.perSecond)} decisions/s, p99 ${cycle.p99Ms.toFixed(2)} ms` +
          `${api === undefined ? "" : `; over the API ${Math.round(api.perSecond)} pods/s (${api.scheduled} of ${pods})`}\n`,
      );
    }
  const text = markdown(rows);
  writeFileSync(given.out, text);
  process.stdout.write(`\n${text}\n${given.out}\n`);
}

/** Each pod takes 100m of 4 CPUs; half of the room stays free. */
const fitting = (nodes: number, pods: number): number => Math.min(pods, nodes * 20);

await asCommand(main);
