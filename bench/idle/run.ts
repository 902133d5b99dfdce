import { setTimeout as pause } from "node:timers/promises";
import { flagHelp, parseFlags, UsageError } from "../../base/os/flags.ts";
import { asCommand } from "../as-command.ts";
import { openIdleWatchers } from "../generator/watched.ts";
import { etcdProgram, type Program, pintleProgram, type Side, startSide } from "../peers.ts";
import { openConnections } from "./connections.ts";
import { grantLeases } from "./leases.ts";

/** Something that clients hold at a member and ask nothing of. */
interface Held {
  /** How many, where none is said. */
  readonly count: number;
  readonly one: string;
  /** @returns Lets go of what a client holds it with. */
  readonly hold: (side: Side, count: number) => Promise<() => void>;
}

/** As clients of a control plane do: several watchers on a stream, several streams on a connection. */
const watchersPerStream = 10;
const streamsPerConnection = 10;

const kinds: Readonly<Record<string, Held>> = {
  connections: { count: 10_000, one: "a connection", hold: openConnections },
  watchers: {
    count: 10_000,
    one: "a watcher of a key",
    hold: ({ endpoints, authorityPem }, count) => {
      const streams = Math.ceil(count / watchersPerStream);
      const connections = Math.ceil(streams / streamsPerConnection);
      const trust = authorityPem === undefined ? {} : { authorityPem };
      return openIdleWatchers({ streams, watchersPerStream, connections, ...trust }, endpoints);
    },
  },
  leases: { count: 100_000, one: "a lease", hold: grantLeases },
};

const flags = {
  of: {
    kind: "list",
    default: Object.keys(kinds),
    help: "connections, watchers (100 on a connection, each of a key) or leases",
  },
  count: { kind: "integer", default: 0, help: "how many; 0: 10,000, of leases 100,000" },
  etcd: { kind: "list", default: ["etcd"], value: "PATHS", help: "programs of etcd to compare with" },
  help: { kind: "boolean", default: false, short: "h", help: "show this" },
} as const;

/** What is compiled with the first, and kept ready for all, is no cost of each. */
const warmUps = 200;
/** What a process is done with it gives back to the system a little later. */
const settleMs = 5_000;

async function main(argv: readonly string[]): Promise<void> {
  const { flags: given } = parseFlags(flags, argv);
  const say = (text: string) => void process.stdout.write(`${text}\n`);
  if (given.help) {
    say(`npm run bench:idle -- [flags]\n${flagHelp(flags)}`);
    return;
  }
  const programs = [pintleProgram(), ...(await Promise.all(given.etcd.map(etcdProgram)))];
  for (const name of given.of) {
    const held = kinds[name];
    if (held === undefined)
      throw new UsageError(`--of: "${name}" is none of ${Object.keys(kinds).join(", ")}`);
    const count = given.count > 0 ? given.count : held.count;
    for (const tls of [false, true])
      for (const program of programs) {
        const { kbEach, wholeMb, cpuMsEach } = await cost(program, { tls, held, count });
        const what = `${program.name}, ${tls ? "TLS" : "plain"}, ${count.toLocaleString("en-US")} ${name}`;
        const each = `${kbEach.toFixed(1)} kB of memory and ${cpuMsEach.toFixed(2)} ms of CPU ${held.one}`;
        say(`${what}: ${each}; the member has ${wholeMb.toFixed(0)} MB`);
      }
  }
}

/** What a member alone has resident for each, and what taking it costs. */
async function cost(
  program: Program,
  { tls, held, count }: { readonly tls: boolean; readonly held: Held; readonly count: number },
): Promise<{ readonly kbEach: number; readonly wholeMb: number; readonly cpuMsEach: number }> {
  const side = await startSide(program, { members: 1, tls });
  const letGo: (() => void)[] = [];
  try {
    letGo.push(await held.hold(side, warmUps));
    await pause(settleMs);
    const [beforeMb, beforeSeconds] = [side.residentMb(), side.cpuSeconds()];
    letGo.push(await held.hold(side, count));
    const cpuMsEach = ((side.cpuSeconds() - beforeSeconds) * 1000) / count;
    await pause(settleMs);
    const wholeMb = side.residentMb();
    return { kbEach: ((wholeMb - beforeMb) * 1024) / count, wholeMb, cpuMsEach };
  } finally {
    for (const close of letGo) close();
    await side.stop();
  }
}

await asCommand(main);
