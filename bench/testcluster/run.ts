import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { flagHelp, parseFlags } from "../../base/os/flags.ts";
import { kubeApiserver } from "../api/peers.ts";
import { asCommand } from "../as-command.ts";
import { prepareEnvtest } from "./envtest.ts";
import { type Figures, markdown, type Round } from "./report.ts";

const flags = {
  rounds: { kind: "integer", default: 3, help: "rounds of each side, in turn" },
  tests: { kind: "integer", default: 50, help: "tests of the suite" },
  seconds: { kind: "integer", default: 5, help: "how long objects are created" },
  clients: { kind: "integer", default: 16, help: "creates under way at a time" },
  etcd: { kind: "string", default: "etcd", value: "FILE", help: "the etcd beside kube-apiserver" },
  out: { kind: "string", default: "bench/testcluster-report.md", help: "the report" },
  help: { kind: "boolean", default: false, short: "h", help: "show this" },
} as const;

const run = promisify(execFile);

async function measured(side: string, options: object): Promise<Figures> {
  const file = fileURLToPath(new URL(side, import.meta.url));
  const { stdout } = await run(process.execPath, [file, JSON.stringify(options)], { timeout: 600_000 });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Figures;
}

async function main(argv: readonly string[]): Promise<void> {
  const { flags: given } = parseFlags(flags, argv);
  if (given.help) {
    process.stdout.write(
      `npm run bench:testcluster -- [flags]     # what is built (npm run build), beside PINTLE_KUBE_APISERVER\n${flagHelp(flags)}\n`,
    );
    return;
  }
  const { tests, seconds, clients } = given;
  const apiserver = kubeApiserver();
  if (apiserver === undefined)
    process.stdout.write("PINTLE_KUBE_APISERVER names no kube-apiserver: Pintle is measured alone\n");
  const load = { tests, seconds, clients };
  const theirs = async (): Promise<Figures | undefined> => {
    if (apiserver === undefined) return undefined;
    const { remove, ...prepared } = await prepareEnvtest({ etcd: given.etcd, apiserver });
    try {
      return await measured("./side-envtest.mjs", { ...prepared, ...load });
    } finally {
      remove();
    }
  };
  const rounds: Round[] = [];
  for (let round = 1; round <= given.rounds; round++) {
    process.stdout.write(`round ${round} of ${given.rounds}\n`);
    const early = round % 2 === 0 ? await theirs() : undefined;
    const pintle = await measured("./side-pintle.mjs", load);
    rounds.push({ pintle, envtest: early ?? (await theirs()) });
  }
  const text = markdown(rounds, tests);
  writeFileSync(given.out, text);
  process.stdout.write(`\n${text}\n${given.out}\n`);
}

await asCommand(main);
