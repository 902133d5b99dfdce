import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { flagHelp, parseFlags } from "../../base/os/flags.ts";
import { asCommand } from "../as-command.ts";
import { spread } from "../spread.ts";
import { type LocalCluster, startLocalCluster } from "./local-cluster.ts";
import { type Resident, togetherMb } from "./resident.ts";

const flags = {
  rounds: { kind: "integer", default: 3, help: "how often each program is started, in turn" },
  at: { kind: "list", default: ["3", "30"], help: "seconds after it is ready at which memory is looked at" },
  idle: { kind: "integer", default: 0, help: "seconds, after the last look, over which CPU is counted" },
  pintle: { kind: "list", default: [], value: "PATHS", help: "programs to compare with, of other checkouts" },
  up: { kind: "list", default: ["--replicas=1", "--nodes=1"], help: "flags of pintle up" },
  help: { kind: "boolean", default: false, short: "h", help: "show this" },
} as const;

const ours = fileURLToPath(new URL("../../bin/pintle", import.meta.url));

type Figures = Map<string, number[]>;

async function main(argv: readonly string[]): Promise<void> {
  const { flags: given } = parseFlags(flags, argv);
  const say = (text: string) => void process.stdout.write(`${text}\n`);
  if (given.help) {
    say(`npm run bench:footprint -- [flags]\n${flagHelp(flags)}`);
    return;
  }
  const programs = [...given.pintle, ours];
  const seconds = given.at.map(Number);
  const all = new Map<string, Figures>(programs.map((program) => [program, new Map()]));
  for (let round = 1; round <= given.rounds; round++)
    for (const [program, figures] of all) {
      const note = (what: string, figure: number) =>
        figures.set(what, [...(figures.get(what) ?? []), figure]);
      const cluster = await startLocalCluster(program.split(" "), given.up);
      try {
        note("ready (s)", cluster.readySeconds);
        await look(cluster, { seconds, idleSeconds: given.idle }, note);
      } finally {
        await cluster.stop();
      }
    }
  for (const [program, figures] of all) {
    say(`\n${program}`);
    for (const [what, values] of figures) {
      const { median, min, max } = spread(values);
      const shown = (value: number) => value.toFixed(what.endsWith("(MB)") ? 1 : 2);
      say(`  ${what.padEnd(44)} ${shown(median).padStart(7)}   ${shown(min)}–${shown(max)}`);
    }
  }
}

async function look(
  cluster: LocalCluster,
  { seconds, idleSeconds }: { readonly seconds: readonly number[]; readonly idleSeconds: number },
  note: (what: string, figure: number) => void,
): Promise<void> {
  let passed = 0;
  for (const at of seconds) {
    await pause((at - passed) * 1000);
    passed = at;
    const found = cluster.resident();
    const parts: readonly Resident[] = [...found.values()];
    note(`after ${at} s, together (MB)`, togetherMb(parts));
    note(
      `after ${at} s, proportional (MB)`,
      parts.reduce((sum, { proportionalMb }) => sum + proportionalMb, 0),
    );
    for (const [name, { anonymousMb }] of found) note(`after ${at} s, ${name}'s own (MB)`, anonymousMb);
  }
  if (idleSeconds === 0) return;
  const before = cluster.cpuSeconds();
  await pause(idleSeconds * 1000);
  let sum = 0;
  for (const [name, used] of cluster.cpuSeconds()) {
    const percent = (100 * (used - (before.get(name) ?? used))) / idleSeconds;
    sum += percent;
    note(`idle, ${name} (% of a core)`, percent);
  }
  note("idle, all (% of a core)", sum);
}

await asCommand(main);
