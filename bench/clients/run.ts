import { flagHelp, parseFlags } from "../../base/os/flags.ts";
import { asCommand } from "../as-command.ts";
import { etcdProgram, type Program, pintleProgram, startSide } from "../peers.ts";
import { type Spread, spread } from "../spread.ts";
import { type Caller, etcd3, ours } from "./callers.ts";
import { embedded } from "./embedded.ts";
import { calls, events, type Measured, prepare } from "./measure.ts";

const flags = {
  rounds: { kind: "integer", default: 5, help: "rounds of each client, in turn" },
  ms: { kind: "integer", default: 500, help: "how long a round of calls takes" },
  events: { kind: "integer", default: 10_000, help: "events that a watch is told in a round" },
  etcd: { kind: "list", default: ["etcd"], help: "etcd's programs to ask beside our own store; empty: none" },
  embedded: { kind: "boolean", default: true, help: "measure a store in this process, too" },
  help: { kind: "boolean", default: false, short: "h", help: "show this" },
} as const;

type Round = (caller: Caller) => Promise<Measured>;

async function main(argv: readonly string[]): Promise<void> {
  const { flags: given } = parseFlags(flags, argv);
  if (given.help) {
    process.stdout.write(`npm run bench:clients -- [flags]\n${flagHelp(flags)}\n`);
    return;
  }
  const say = (text: string) => void process.stdout.write(`${text}\n`);
  if (given.embedded) await embedded(given, say);
  const programs: Program[] = [pintleProgram()];
  for (const path of given.etcd) programs.push(await etcdProgram(path));
  for (const program of programs) await compare(program, given, say);
}

/** Both clients with one server, round by round in turn. */
async function compare(
  program: Program,
  {
    rounds,
    ms: forMs,
    events: count,
  }: { readonly rounds: number; readonly ms: number; readonly events: number },
  say: (text: string) => void,
): Promise<void> {
  const side = await startSide(program, { members: 1, tls: false });
  const [endpoint = ""] = side.endpoints;
  const callers = [ours(endpoint), etcd3(endpoint)] as const;
  try {
    const from = await prepare(callers[0], count);
    const kinds: readonly (readonly [string, Round])[] = [
      ...(["put", "get"] as const).flatMap((kind) =>
        [1, 16, 128].map(
          (atOnce) =>
            [
              `${kind}, ${atOnce} at once`,
              (caller: Caller) => calls(caller, kind, { forMs, atOnce }),
            ] as const,
        ),
      ),
      ["events of a watch", (caller) => events(caller, from + 1, count)],
    ];
    for (const [what, round] of kinds) {
      const results: Record<string, Measured[]> = {};
      for (const caller of callers) await round(caller); // until what is compiled is
      for (let n = 0; n < rounds; n++)
        for (const caller of n % 2 === 0 ? callers : [...callers].reverse()) {
          results[caller.name] ??= [];
          results[caller.name]?.push(await round(caller));
        }
      const [own = [], other = []] = callers.map(({ name }) => results[name]);
      const speed = (all: readonly Measured[]) =>
        Math.round(spread(all.map(({ perSecond }) => perSecond)).median);
      const cpu = (all: readonly Measured[]) =>
        spread(all.map(({ cpuMicros }) => cpuMicros)).median.toFixed(0);
      const ratio = spread(own.map(({ perSecond }, n) => perSecond / (other[n]?.perSecond ?? Number.NaN)));
      say(
        `${side.name}: ${what}: ${speed(own)}/s (${cpu(own)} µs of CPU each), etcd3 ${speed(other)}/s (${cpu(other)} µs): ${shown(ratio)} times`,
      );
    }
  } finally {
    for (const caller of callers) await caller.close();
    await side.stop();
  }
}

const shown = ({ median, min, max }: Spread) =>
  `${median.toFixed(2)} (${min.toFixed(2)} to ${max.toFixed(2)})`;

await asCommand(main);
