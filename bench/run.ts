import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { flagHelp, parseFlags, UsageError } from "../base/os/flags.ts";
import { asCommand } from "./as-command.ts";
import type { Extent } from "./generator/drive.ts";
import type { JobLoad, Load } from "./load.ts";
import { loadNamed, loadsAt, shortLoads } from "./loads.ts";
import { longLoads } from "./long-loads.ts";
import { measure, prepare } from "./measure.ts";
import { etcdProgram, pintleProgram, type Side, startSide } from "./peers.ts";
import { plot } from "./plot.ts";
import { profile, type StageTimes } from "./profile.ts";
import { type LoadReport, markdown, type Report, rateText, type SideRound } from "./report.ts";
import { restart } from "./restart.ts";

const flags = {
  loads: { kind: "list", default: [] as string[], help: "which loads to run; none: all but the long ones" },
  etcd: { kind: "list", default: ["etcd"], value: "PATHS", help: "programs of etcd to compare with" },
  rounds: { kind: "integer", default: 3, help: "rounds of each load on each side, in turn" },
  seconds: { kind: "integer", default: 4, help: "length of a round" },
  "warm-up": {
    kind: "integer",
    default: 3,
    help: "seconds of each load on each side before its rounds, not counted",
  },
  profile: {
    kind: "list",
    default: ["put-1000", "txn", "get", "range-1000"],
    help: "of which loads that run the report shows Pintle's time by stage",
  },
  scale: {
    kind: "number",
    default: 1,
    help: "what one and ten million keys, 100,000 leases and 10,000 watchers of long loads are multiplied by, at most 1",
  },
  members: { kind: "integer", default: 3, help: "members of each cluster" },
  tls: { kind: "boolean", default: false, help: "clients speak TLS" },
  quick: {
    kind: "boolean",
    default: false,
    help: "a few loads, one round of a second each, to see that all works",
  },
  out: { kind: "string", default: "bench/out", help: "folder for report.md, report.json and report.svg" },
  help: { kind: "boolean", default: false, short: "h", help: "show this" },
} as const;

const quickLoads = ["put-1", "put-1000", "get", "get-serializable"];

type Given = ReturnType<typeof parseFlags<typeof flags>>["flags"];
const say = (text: string) => void process.stdout.write(text);

async function main(argv: readonly string[]): Promise<void> {
  const { flags: parsed } = parseFlags(flags, argv);
  if (parsed.help) {
    say(`npm run bench -- [flags]\n${flagHelp(flags)}\n\nloads:\n${shortLoads.map(described).join("")}
loads that run only by name:\n${longLoads(parsed.scale).map(described).join("")}`);
    return;
  }
  if (!(parsed.scale > 0 && parsed.scale <= 1)) throw new UsageError("--scale: more than 0, at most 1");
  const given = parsed.quick ? { ...parsed, rounds: 1, seconds: 1, "warm-up": 0, profile: [] } : parsed;
  const chosen = chosenLoads(given);
  const programs = [pintleProgram(), ...(await Promise.all(given.etcd.map(etcdProgram)))];
  const sides: Side[] = [];
  try {
    for (const program of programs) {
      say(`starting ${given.members} members of ${program.name} …\n`);
      sides.push(await startSide(program, given));
    }
    const reports: LoadReport[] = [];
    for (const load of chosen) {
      await prepareWhereNeeded(load, sides);
      reports.push(await compare(load, sides, given));
    }
    for (const side of sides) await side.stop();
    for (const [i, load] of chosen.entries())
      if (given.profile.includes(load.name) && "template" in load)
        reports[i] = { ...(reports[i] as LoadReport), stageTimes: await profileOf(load, given) };
    write(given.out, reportOf(reports, sides, { given, argv }));
  } finally {
    for (const side of sides) await side.stop();
  }
}

const described = ({ name, what }: Load) => `  ${name}: ${what}\n`;

function chosenLoads({ quick, loads, scale, profile: profiled }: Given): readonly Load[] {
  const names = quick && loads.length === 0 ? quickLoads : loads;
  if (names.length === 0) return shortLoads;
  const all = loadsAt(scale);
  const chosen = names.map((name) => loadNamed(name, all));
  const unsampled = chosen.find((load) => profiled.includes(load.name) && !("template" in load));
  if (unsampled !== undefined)
    throw new UsageError(`--profile: "${unsampled.name}" is more than one job of clients`);
  return chosen;
}

function profileOf(load: JobLoad, given: Given): Promise<StageTimes> {
  say(`  ${load.what}: where Pintle's time goes …\n`);
  return profile(load, {
    members: given.members,
    tls: given.tls,
    warmUpSeconds: given["warm-up"],
    seconds: given.seconds,
  });
}

const preparedBefore = new Set<Load["prepared"]>([undefined]);

async function prepareWhereNeeded(load: Load, sides: readonly Side[]): Promise<void> {
  if (preparedBefore.has(load.prepared)) return;
  preparedBefore.add(load.prepared);
  for (const side of sides) await prepare(side, load);
}

async function compare(load: Load, sides: readonly Side[], given: Given): Promise<LoadReport> {
  const rounds: LoadReport["rounds"][number][] = [];
  // A server whose code is compiled while it runs is measured as it is for the rest of its life; all get the same.
  if (given["warm-up"] > 0 && "template" in load && load.requests === undefined) {
    const warmUp = load.warmedUpBy === undefined ? load : (loadNamed(load.warmedUpBy, shortLoads) as JobLoad);
    for (const side of sides)
      await measure(side, { ...warmUp, compacts: false }, { seconds: given["warm-up"] });
  }
  const roundsMost = isOnce(load) ? 1 : given.rounds;
  for (let round = 0; round < roundsMost; round++) {
    const results: Record<string, SideRound> = {};
    // In turn, and who goes first alternates too.
    for (const side of round % 2 === 0 ? sides : [...sides].reverse()) {
      say(`  ${load.what}, round ${round + 1} of ${roundsMost}: ${side.name} … `);
      const result = await roundOf(side, load, given);
      say(`${rateText(result.perSecond)}/s${failuresOf(result)}\n`);
      results[side.name] = result;
    }
    rounds.push(results);
  }
  const goals = given.members === 1 ? (load.goalsAlone ?? []) : load.goals;
  return { name: load.name, what: load.what, clients: clientsOf(load), goals, rounds };
}

function clientsOf(load: Load): number {
  if ("leases" in load) return load.leases.clients;
  return "clients" in load ? load.clients : 1;
}

const isOnce = (load: Load) =>
  ("requests" in load && load.requests !== undefined) || ("compacts" in load && load.compacts === true);

function roundOf(side: Side, load: Load, { seconds }: Given): Promise<SideRound> {
  if ("restarts" in load) return restart(side, load.restarts);
  const extent: Extent = load.requests === undefined ? { seconds } : { requests: load.requests };
  return measure(side, load, extent);
}

const failuresOf = ({ failures, firstFailure }: SideRound) =>
  failures === 0 ? "" : ` (${failures} failures, the first: ${firstFailure})`;

function reportOf(
  reports: readonly LoadReport[],
  sides: readonly Side[],
  { given, argv }: { readonly given: Given; readonly argv: readonly string[] },
): Report {
  const [pintle = "", ...peers] = sides.map(({ name }) => name);
  const [cpu] = cpus();
  return {
    members: given.members,
    rounds: given.rounds,
    seconds: given.seconds,
    command: ["npm run bench", ...(argv.length > 0 ? ["--", ...argv] : [])].join(" "),
    machine: `${cpus().length} × ${cpu?.model.trim()}, Node.js ${process.version}`,
    pintle,
    peers,
    loads: reports,
  };
}

function write(folder: string, report: Report): void {
  mkdirSync(folder, { recursive: true });
  const text = markdown(report);
  writeFileSync(join(folder, "report.json"), `${JSON.stringify(report, undefined, 2)}\n`);
  writeFileSync(join(folder, "report.md"), text);
  writeFileSync(join(folder, "report.svg"), plot(report));
  say(`\n${text}\n${folder}/ has report.md, report.json and report.svg\n`);
}

await asCommand(main);
