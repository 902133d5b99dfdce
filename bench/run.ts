import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { flagHelp, parseFlags, UsageError } from "../base/os/flags.ts";
import type { RoundResult } from "./load.ts";
import { loads } from "./loads.ts";
import { type Side, startSide } from "./peers.ts";
import { type LoadReport, plot, type SideRound, table } from "./report.ts";

const flags = {
  loads: { kind: "list", default: loads.map((load) => load.name), help: "which loads to run" },
  rounds: { kind: "integer", default: 3, help: "rounds of each load on each side, in turn" },
  seconds: { kind: "integer", default: 4, help: "length of a round" },
  "warm-up": {
    kind: "integer",
    default: 3,
    help: "seconds of each load on each side before its rounds, not counted",
  },
  members: { kind: "integer", default: 3, help: "members of each cluster" },
  out: { kind: "string", default: "bench/out", help: "folder for report.json and report.svg" },
  help: { kind: "boolean", default: false, short: "h", help: "show this" },
} as const;

const run = promisify(execFile);
const generator = fileURLToPath(new URL("./load.ts", import.meta.url));

async function main(argv: readonly string[]): Promise<void> {
  const { flags: given } = parseFlags(flags, argv);
  if (given.help) {
    process.stdout.write(`npm run bench -- [flags]\n${flagHelp(flags)}\n`);
    return;
  }
  const chosen = given.loads.map((name) => {
    const load = loads.find((row) => row.name === name);
    if (load === undefined)
      throw new UsageError(`--loads: no "${name}"; there are ${loads.map((row) => row.name).join(", ")}`);
    return load;
  });
  process.stdout.write(`starting ${given.members} members of each …\n`);
  const sides: Side[] = [];
  try {
    for (const name of ["pintle", "etcd"] as const)
      sides.push(await startSide({ name, members: given.members }));
    const [pintle, etcd] = sides as [Side, Side];
    const reports: LoadReport[] = [];
    for (const load of chosen) {
      const rounds: LoadReport["rounds"][number][] = [];
      // A server whose code is compiled while it runs is measured as it is for the rest of its life; both get the same.
      if (given["warm-up"] > 0) for (const side of sides) await measure(side, load.name, given["warm-up"]);
      for (let round = 0; round < given.rounds; round++) {
        // In turn, and who goes first alternates too.
        const first = round % 2 === 0 ? pintle : etcd;
        const results = new Map<Side, SideRound>();
        for (const side of [first, first === pintle ? etcd : pintle]) {
          process.stdout.write(`  ${load.what}, round ${round + 1} of ${given.rounds}: ${side.name} … `);
          const result = await measure(side, load.name, given.seconds);
          process.stdout.write(`${Math.round(result.perSecond)}/s\n`);
          results.set(side, result);
        }
        rounds.push({ pintle: results.get(pintle) as SideRound, etcd: results.get(etcd) as SideRound });
      }
      reports.push({ name: load.name, what: load.what, rounds });
    }
    mkdirSync(given.out, { recursive: true });
    writeFileSync(
      join(given.out, "report.json"),
      `${JSON.stringify({ members: given.members, loads: reports }, undefined, 2)}\n`,
    );
    writeFileSync(join(given.out, "report.svg"), plot(reports));
    process.stdout.write(
      `\n${table(reports)}\nratios are Pintle ÷ etcd; ${given.out}/report.json and report.svg have the rest\n`,
    );
  } finally {
    for (const side of sides) await side.stop();
  }
}

async function measure(side: Side, load: string, seconds: number): Promise<SideRound> {
  const before = side.usage();
  const { stdout } = await run(process.execPath, [
    "--import",
    "tsx",
    generator,
    load,
    String(seconds),
    ...side.endpoints,
  ]);
  const result = JSON.parse(stdout) as RoundResult;
  const after = side.usage();
  if (result.requests === 0) throw new Error(`${side.name} answered nothing: ${result.firstFailure}`);
  if (result.failures > 0)
    process.stdout.write(`(${result.failures} failures, the first: ${result.firstFailure}) `);
  return {
    ...result,
    cpuMsPerThousand: ((after.cpuSeconds - before.cpuSeconds) * 1e6) / result.requests,
    residentMb: after.residentMb,
  };
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
