import { flagHelp, parseFlags } from "../../base/os/flags.ts";
import { startApiSide } from "../api/peers.ts";
import { asCommand } from "../as-command.ts";
import { type Spread, spread } from "../spread.ts";
import { allowedAccount, someObject } from "./account.ts";
import { type Protocol, protocols, readObject } from "./load.ts";
import { watchMemory } from "./watch-memory.ts";

const flags = {
  rounds: { kind: "integer", default: 7, help: "rounds of each protocol, in turn" },
  requests: { kind: "integer", default: 10_000, help: "reads of a round" },
  clients: { kind: "integer", default: 64, help: "connections with one request each at a time" },
  watches: { kind: "integer", default: 1000, help: "watches whose memory is measured; 0: none" },
  connections: { kind: "integer", default: 10, help: "connections of HTTP/2 that share the watches" },
  help: { kind: "boolean", default: false, short: "h", help: "show this" },
} as const;

const shown = ({ median, min, max }: Spread) =>
  `${median.toFixed(3)} (${min.toFixed(3)} to ${max.toFixed(3)})`;

async function main(argv: readonly string[]): Promise<void> {
  const { flags: given } = parseFlags(flags, argv);
  if (given.help) {
    process.stdout.write(`npm run bench:protocols -- [flags]\n${flagHelp(flags)}\n`);
    return;
  }
  const say = (text: string) => void process.stdout.write(`${text}\n`);
  await compareReads(given, say);
  if (given.watches === 0) return;
  for (const protocol of protocols) {
    const connections = protocol === "HTTP/1.1" ? given.watches : given.connections;
    const { beforeMb, withMb } = await watchMemory(protocol, { watches: given.watches, connections });
    const kbEach = ((withMb - beforeMb) * 1024) / given.watches;
    say(
      `${protocol}: ${given.watches} watches on ${connections} connections take ${(withMb - beforeMb).toFixed(0)} MB, ${kbEach.toFixed(1)} kB each`,
    );
  }
}

/** CPU of the server for the same reads of one object by a service account, by either protocol in turn. */
async function compareReads(
  { rounds, requests, clients }: { rounds: number; requests: number; clients: number },
  say: (text: string) => void,
): Promise<void> {
  const side = await startApiSide("pintle");
  try {
    const path = await someObject(side.access);
    const token = await allowedAccount(side.access);
    const measured = async (protocol: Protocol) => {
      const before = side.usage().server.cpuSeconds;
      const perSecond = await readObject(side.access, { protocol, path, token, clients, requests });
      return { cpuMs: ((side.usage().server.cpuSeconds - before) * 1000) / requests, perSecond };
    };
    // What is compiled while it runs is measured as it is for the rest of its life.
    for (const protocol of protocols) await measured(protocol);
    const cpuMs: Record<Protocol, number[]> = { "HTTP/1.1": [], "HTTP/2": [] };
    for (let round = 0; round < rounds; round++)
      // Who goes first alternates.
      for (const protocol of round % 2 === 0 ? protocols : [...protocols].reverse()) {
        const one = await measured(protocol);
        cpuMs[protocol].push(one.cpuMs);
        say(
          `round ${round + 1}, ${protocol}: ${Math.round(one.perSecond)} reads/s, ${one.cpuMs.toFixed(3)} ms of CPU each`,
        );
      }
    for (const protocol of protocols)
      say(`${protocol}: ${shown(spread(cpuMs[protocol]))} ms of CPU of the server for a read with a token`);
    const ratios = cpuMs["HTTP/2"].map((cost, round) => cost / (cpuMs["HTTP/1.1"][round] ?? Number.NaN));
    say(`HTTP/2 : HTTP/1.1, round by round: ${shown(spread(ratios))}`);
  } finally {
    await side.stop();
  }
}

await asCommand(main);
