import { flagHelp, parseFlags, UsageError } from "../../base/os/flags.ts";
import { asCommand } from "../as-command.ts";
import { Latencies } from "../generator/latencies.ts";
import { etcdProgram, pintleProgram, type Side, startSide } from "../peers.ts";
import { outage, type Trouble, troubles, type Victim, victims } from "./outage.ts";

const flags = {
  times: { kind: "integer", default: 50, help: "how often each trouble comes on each side" },
  trouble: { kind: "list", default: [...troubles] as string[], help: "kill, stop" },
  victim: { kind: "list", default: [...victims] as string[], help: "leader, follower" },
  etcd: { kind: "list", default: ["etcd"], value: "PATHS", help: "programs of etcd to compare with" },
  help: { kind: "boolean", default: false, short: "h", help: "show this" },
} as const;

const say = (text: string) => void process.stdout.write(text);

async function main(argv: readonly string[]): Promise<void> {
  const { flags: given } = parseFlags(flags, argv);
  if (given.help) {
    say(`npm run bench:failover -- [flags]\n${flagHelp(flags)}\n`);
    return;
  }
  const cases = casesOf(given);
  const programs = [pintleProgram(), ...(await Promise.all(given.etcd.map(etcdProgram)))];
  const sides: Side[] = [];
  try {
    for (const program of programs) sides.push(await startSide(program, { members: 3, tls: false }));
    const rows: string[] = [];
    for (const each of cases) {
      const times = new Map(sides.map((side) => [side, new Latencies()]));
      // In turn, so that a machine whose speed drifts treats all alike.
      for (let n = 0; n < given.times; n++)
        for (const side of sides) times.get(side)?.add(await outage(side, each));
      for (const side of sides) {
        const row = rowOf(side, each, times.get(side) as Latencies);
        say(`${row}\n`);
        rows.push(row);
      }
    }
    say(`\n| trouble | side | times | p50 s | p99 s | longest s |\n| --- | --- | --: | --: | --: | --: |\n`);
    say(`${rows.join("\n")}\n`);
  } finally {
    for (const side of sides) await side.stop();
  }
}

interface Case {
  readonly trouble: Trouble;
  readonly victim: Victim;
}

function casesOf(given: { readonly trouble: readonly string[]; readonly victim: readonly string[] }): Case[] {
  const known = <T extends string>(flag: string, names: readonly string[], all: readonly T[]) =>
    names.map((name) => {
      const found = all.find((each) => each === name);
      if (found === undefined) throw new UsageError(`--${flag}: "${name}" is none of ${all.join(", ")}`);
      return found;
    });
  return known("victim", given.victim, victims).flatMap((victim) =>
    known("trouble", given.trouble, troubles).map((trouble) => ({ trouble, victim })),
  );
}

const doneTo: Readonly<Record<Trouble, string>> = { kill: "killed", stop: "stopped" };

function rowOf({ name }: Side, { trouble, victim }: Case, times: Latencies): string {
  const [p50 = 0, p99 = 0, longest = 0] = times.quantiles([0.5, 0.99, 1]).map((ms) => ms / 1000);
  const figures = [p50, p99, longest].map((seconds) => seconds.toFixed(2)).join(" | ");
  return `| ${victim} ${doneTo[trouble]} | ${name} | ${times.count} | ${figures} |`;
}

await asCommand(main);
