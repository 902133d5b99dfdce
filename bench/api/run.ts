import { writeFileSync } from "node:fs";
import { flagHelp, parseFlags } from "../../base/os/flags.ts";
import { asCommand } from "../as-command.ts";
import { measureSide, type RoundOptions } from "./measure.ts";
import { kubeApiserver } from "./peers.ts";
import { type ApiRound, markdown } from "./report.ts";

const flags = {
  rounds: { kind: "integer", default: 3, help: "rounds of each side, in turn" },
  seconds: { kind: "integer", default: 10, help: "length of a load" },
  clients: { kind: "integer", default: 64, help: "clients with one request each at a time" },
  pods: { kind: "integer", default: 10_000, help: "pods before the lists" },
  watchers: { kind: "integer", default: 1000, help: "watchers of one object that changes" },
  changes: { kind: "integer", default: 20, help: "its changes" },
  "memory-pods": {
    kind: "integer",
    default: 0,
    help: "pods in the end, to measure memory with; 100000 for its target",
  },
  "one-process": {
    kind: "boolean",
    default: false,
    help: "Pintle's API server calls its store in one process",
  },
  profile: { kind: "string", value: "DIR", help: "write CPU profiles of Pintle's API server there" },
  out: { kind: "string", default: "bench/api-report.md", help: "the report" },
  help: { kind: "boolean", default: false, short: "h", help: "show this" },
} as const;

async function main(argv: readonly string[]): Promise<void> {
  const { flags: given } = parseFlags(flags, argv);
  if (given.help) {
    process.stdout.write(`npm run bench:api -- [flags]\n${flagHelp(flags)}\n`);
    return;
  }
  const { seconds, clients, pods, watchers, changes } = given;
  const memoryPods = given["memory-pods"];
  const say = (text: string) => void process.stdout.write(`  ${text}\n`);
  const nodeFlags = given.profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${given.profile}`];
  const oneProcess = given["one-process"];
  const loads = { seconds, clients, pods, watchers, changes, memoryPods };
  const options: RoundOptions = { oneProcess, ...loads, nodeFlags, say };
  const compares = kubeApiserver() !== undefined;
  if (!compares)
    process.stdout.write("PINTLE_KUBE_APISERVER names no kube-apiserver: Pintle is measured alone\n");
  const rounds: ApiRound[] = [];
  for (let round = 1; round <= given.rounds; round++) {
    process.stdout.write(`round ${round} of ${given.rounds}\n`);
    // Who goes first alternates.
    const early = compares && round % 2 === 0 ? await measureSide("kubernetes", options) : undefined;
    const pintle = await measureSide("pintle", options);
    const kubernetes = early ?? (compares ? await measureSide("kubernetes", options) : undefined);
    rounds.push({ pintle, kubernetes });
  }
  const text = markdown(rounds, { ...loads, oneProcess });
  writeFileSync(given.out, text);
  process.stdout.write(`\n${text}\n${given.out}\n`);
}

await asCommand(main);
