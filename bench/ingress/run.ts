import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { flagHelp, parseFlags } from "../../base/os/flags.ts";
import { freePorts } from "../../base/os/free-ports.ts";
import { createSelfSigned } from "../../base/os/pki.ts";
import { asCommand } from "../as-command.ts";
import { type Spread, spread } from "../spread.ts";
import { usageOf } from "../usage.ts";
import { type LoadResult, runLoad, shapes } from "./h2load.ts";
import { backendServer, proxyServers, startNginx } from "./nginx.ts";

const flags = {
  rounds: { kind: "integer", default: 5, help: "rounds of each proxy, in turn" },
  requests: { kind: "integer", default: 20_000, help: "requests of a round" },
  nginx: { kind: "string", default: "nginx", help: "the program", value: "PATH" },
  workers: { kind: "integer", default: 1, help: "processes of nginx; ours answers in one thread" },
  help: { kind: "boolean", default: false, short: "h", help: "show this" },
} as const;

interface Side {
  readonly name: string;
  readonly pid: number;
  readonly http: number;
  readonly https: number;
}

type Measured = LoadResult & { readonly cpuMicros: number };

async function main(argv: readonly string[]): Promise<void> {
  const { flags: given } = parseFlags(flags, argv);
  const say = (text: string) => void process.stdout.write(`${text}\n`);
  if (given.help) return say(`npm run bench:ingress -- [flags]\n${flagHelp(flags)}`);
  const made = await createSelfSigned({
    organization: "bench",
    hosts: ["bench.test"],
    usage: "server",
    validDays: 2,
  });
  const pem = { certificatePem: made.certificatePem, keyPem: made.privateKeyPem };
  const [backend = 0, http = 0, https = 0] = await freePorts(3);
  const started = [await startNginx(given.nginx, backendServer(backend), [backend])];
  try {
    const servers = await proxyServers({ http, https, backend }, pem);
    const nginx = await startNginx(given.nginx, servers, [http, https], given.workers);
    started.push(nginx);
    const words = [
      ...process.execArgv,
      join(import.meta.dirname, "ours.ts"),
      JSON.stringify({ backend, ...pem }),
    ];
    const ours = spawn(process.execPath, words, { stdio: ["pipe", "pipe", "inherit"] });
    started.push(ours);
    const [line] = await once(createInterface(ours.stdout), "line");
    const sides: readonly Side[] = [
      { name: "ours", pid: ours.pid ?? 0, ...(JSON.parse(line) as { http: number; https: number }) },
      { name: "nginx", pid: nginx.pid ?? 0, http, https },
    ];
    for (const shape of shapes) {
      const measure = async (side: Side): Promise<Measured> => {
        const before = cpuSecondsOf(side.pid);
        const result = await runLoad(shape, shape.isTls ? side.https : side.http, given.requests);
        return { ...result, cpuMicros: ((cpuSecondsOf(side.pid) - before) * 1e6) / given.requests };
      };
      // What is compiled while it runs is measured as it is for the rest of its life.
      for (const side of sides) await measure(side);
      const rounds: Record<string, Measured>[] = [];
      for (let round = 0; round < given.rounds; round++) {
        const results: Record<string, Measured> = {};
        // Who goes first alternates.
        for (const side of round % 2 === 0 ? sides : [...sides].reverse()) {
          const one = await measure(side);
          results[side.name] = one;
          say(
            `${shape.name}, round ${round + 1}, ${side.name}: ${Math.round(one.perSecond)} requests/s, p99 ${one.p99Ms.toFixed(2)} ms, ${one.cpuMicros.toFixed(0)} µs of CPU each`,
          );
        }
        rounds.push(results);
      }
      for (const what of ["perSecond", "p99Ms", "cpuMicros"] as const) {
        const ratios = rounds.map(
          ({ ours, nginx }) => (ours?.[what] ?? Number.NaN) / (nginx?.[what] ?? Number.NaN),
        );
        say(`${shape.name}, ours : nginx, ${what}: ${shown(spread(ratios))}`);
      }
    }
  } finally {
    for (const child of started) child.kill();
  }
}

/** With the processes that it started. */
function cpuSecondsOf(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(/\s+/);
  const all = [pid, ...children.filter((one) => one !== "").map(Number)];
  return all.reduce((sum, one) => sum + usageOf(one).cpuSeconds, 0);
}

const shown = ({ median, min, max }: Spread) =>
  `${median.toFixed(2)} (${min.toFixed(2)} to ${max.toFixed(2)})`;

await asCommand(main);
