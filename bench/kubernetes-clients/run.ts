import { execFile, fork } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { flagHelp, parseFlags } from "../../base/os/flags.ts";
import { loadKubeconfig } from "../../client/kubeconfig.ts";
import { resources } from "../../client/resources.ts";
import { RestClient } from "../../client/rest.ts";
import type { Pod } from "../../client/types.ts";
import { podNamed } from "../api/pods.ts";
import { asCommand } from "../as-command.ts";
import { type Figure, markdown } from "./report.ts";
import type { SideName } from "./sides.ts";
import type { Order, Outcome } from "./worker.ts";

const flags = {
  rounds: { kind: "integer", default: 3, help: "rounds of each client, in turn" },
  pods: {
    kind: "integer",
    default: 10_000,
    help: "pods in the cluster, and changes of them that are watched",
  },
  creates: { kind: "integer", default: 3_000, help: "objects that are made" },
  "at-once": { kind: "integer", default: 32, help: "of them under way at a time" },
  out: { kind: "string", default: "bench/kubernetes-clients-report.md", help: "the report" },
  help: { kind: "boolean", default: false, short: "h", help: "show this" },
} as const;

const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
const run = promisify(execFile);

async function main(argv: readonly string[]): Promise<void> {
  const { flags: given } = parseFlags(flags, argv);
  if (given.help) {
    process.stdout.write(`npm run bench:kubernetes-clients -- [flags]\n${flagHelp(flags)}\n`);
    return;
  }
  const say = (text: string) => void process.stdout.write(`${text}\n`);
  const child = fork(`${root}/controlplane/apiserver/testing-child.ts`, {
    execArgv: ["--import", "tsx"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  try {
    const [{ kubeconfig }] = (await once(child, "message")) as [{ kubeconfig: string }];
    say(`${given.pods} pods and as many changes …`);
    const resourceVersion = await fill(kubeconfig, given.pods);
    const figures: Figure[] = [];
    for (let round = 1; round <= given.rounds; round++) {
      const sides: SideName[] = round % 2 === 1 ? ["pintle", "client-node"] : ["client-node", "pintle"];
      for (const side of sides) {
        say(`round ${round} of ${given.rounds}: ${side}`);
        const order = {
          ...{ side, kubeconfig, root, resourceVersion, events: given.pods },
          ...{ creates: given.creates, atOnce: given["at-once"], prefix: `r${round}-${side}` },
        };
        for (const figure of await measureSide(order)) figures.push({ ...figure, side, round });
      }
    }
    const { version } = createRequire(import.meta.url)("@kubernetes/client-node/package.json") as {
      version: string;
    };
    const text = markdown(figures, heading(given.rounds, given.pods, version));
    writeFileSync(given.out, text);
    say(`\n${text}\n${given.out}`);
  } finally {
    const ended = once(child, "exit");
    child.kill();
    await ended;
  }
}

function heading(rounds: number, pods: number, version: string): string {
  return `# Kubernetes clients for Node.js beside each other

Made by \`npm run bench:kubernetes-clients\`: \`pintle/client\` as it is built, and \`@kubernetes/client-node\` ${version}, each task in a process of
its own, in turn, ${rounds} rounds, Node ${process.versions.node}. Both ask one API server of Pintle's in a process of its own, with ${pods} pods of some 1.5 kB. CPU is
the client's. Medians; the ratio is ours to theirs of the same round, with the least and the largest. Absolute figures belong to a machine and
a moment.`;
}

/** Makes the pods, and changes each once: gives the revision before the changes. */
async function fill(kubeconfig: string, pods: number): Promise<string> {
  const client = new RestClient(loadKubeconfig(kubeconfig));
  const each = async (work: (n: number) => Promise<unknown>) => {
    let next = 0;
    const one = async () => {
      while (next < pods) await work(next++);
    };
    await Promise.all(Array.from({ length: 32 }, one));
  };
  await each((n) => client.create(resources.pods, podNamed(`pod-${n}`) as Pod));
  const { metadata } = await client.list(resources.pods, { limit: 1 });
  await each((n) =>
    client.patch(
      resources.pods,
      { name: `pod-${n}`, namespace: "default" },
      { metadata: { labels: { changed: "yes" } } },
      { type: "merge" },
    ),
  );
  client.close();
  return metadata.resourceVersion;
}

type Measured = Pick<Figure, "what" | "unit" | "value">;

async function measureSide(order: Omit<Order, "task">): Promise<readonly Measured[]> {
  const list = await work({ ...order, task: "list" });
  const cache = await work({ ...order, task: "cache" });
  const watch = await work({ ...order, task: "watch" });
  const create = await work({ ...order, task: "create" });
  const perSecond = ({ count, wallMs }: Outcome) => (count / wallMs) * 1000;
  const cpuUs = ({ count, cpuMs }: Outcome) => (cpuMs / count) * 1000;
  const lists = list.count / cache.count;
  return [
    ...(await startUp(order.side)),
    { what: "list of all pods", unit: "ms", value: list.wallMs / lists },
    { what: "list of all pods, CPU", unit: "ms", value: list.cpuMs / lists },
    { what: "cache of all pods synced", unit: "ms", value: cache.wallMs },
    { what: "cache of all pods synced, CPU", unit: "ms", value: cache.cpuMs },
    { what: "heap of the cache, for each pod", unit: "bytes", value: cache.heapBytes / cache.count },
    { what: "resident memory with the cache", unit: "MB", value: cache.residentMb },
    { what: "events of a watch", unit: "1/s", value: perSecond(watch) },
    { what: "events of a watch, CPU each", unit: "µs", value: cpuUs(watch) },
    { what: "creates", unit: "1/s", value: perSecond(create) },
    { what: "creates, CPU each", unit: "µs", value: cpuUs(create) },
  ];
}

async function work(order: Order): Promise<Outcome> {
  const worker = fileURLToPath(new URL("./worker.ts", import.meta.url));
  const words = ["--expose-gc", "--import", "tsx", worker, JSON.stringify(order)];
  const { stdout } = await run(process.execPath, words, { cwd: root });
  return JSON.parse(stdout) as Outcome;
}

/** A program that imports the client and does nothing. */
async function startUp(side: SideName): Promise<readonly Measured[]> {
  const module = side === "pintle" ? `file://${root}/dist/lib/client.js` : "@kubernetes/client-node";
  const program = `
    const startedMs = performance.now();
    await import(${JSON.stringify(module)});
    const importMs = performance.now() - startedMs;
    console.log(JSON.stringify({ importMs, residentMb: process.memoryUsage.rss() / 2 ** 20 }));`;
  const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", program], { cwd: root });
  const { importMs, residentMb } = JSON.parse(stdout) as { importMs: number; residentMb: number };
  return [
    { what: "import", unit: "ms", value: importMs },
    { what: "resident memory after the import", unit: "MB", value: residentMb },
  ];
}

await asCommand(main);
