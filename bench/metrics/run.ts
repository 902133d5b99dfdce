import { setTimeout as pause } from "node:timers/promises";
import { flagHelp, parseFlags } from "../../base/os/flags.ts";
import { loadKubeconfig } from "../../client/kubeconfig.ts";
import { RestClient } from "../../client/rest.ts";
import { eventually, startCluster } from "../../test/local-cluster.ts";
import { asCommand } from "../as-command.ts";
import { usageOf } from "../usage.ts";

const flags = {
  pods: { kind: "integer", default: 50, help: "pods of one container that sleeps" },
  scrapes: { kind: "integer", default: 40, help: "of each path, in each of three rounds" },
  interval: { kind: "integer", default: 15, value: "SECONDS", help: "how often Prometheus would ask" },
  runtime: { kind: "string", default: "oci", help: "oci or process" },
  help: { kind: "boolean", default: false, short: "h", help: "show this" },
} as const;

/** What Prometheus asks of a node. */
const paths = ["/metrics/cadvisor", "/metrics", "/metrics/probes", "/metrics/resource"];

async function main(argv: readonly string[]): Promise<void> {
  const { flags: given } = parseFlags(flags, argv);
  const say = (text: string) => void process.stdout.write(`${text}\n`);
  if (given.help) {
    say(`npm run bench:metrics -- [flags]\n${flagHelp(flags)}`);
    return;
  }
  const runtime = given.runtime === "process" ? "process" : "oci";
  const cluster = await startCluster({ replicas: 1, nodes: 1, runtime });
  const client = new RestClient(loadKubeconfig(cluster.kubeconfig), { userAgent: "bench" });
  try {
    await cluster.kubectlWith(deployment(given.pods), "apply", "-f", "-");
    await eventually(
      "all pods run",
      () => cluster.kubectl("get", "deployment", "many", "-o", "jsonpath={.status.readyReplicas}"),
      (ready) => Number(ready) === given.pods,
    );
    const pidOf = (name: string) =>
      cluster.state().components.find((one) => one.name === name)?.pid ?? undefined;
    const pid = pidOf("node-1");
    const ask = async (path: string) => (await client.raw("GET", `/api/v1/nodes/node-1/proxy${path}`)).length;
    for (const path of paths) await ask(path); // what is compiled first is no cost of each
    const seconds = new Map<string, number>();
    let idle = 0;
    for (let round = 0; round < 3; round++) {
      const restSeconds = 10;
      const before = usageOf(pid).cpuSeconds;
      await pause(restSeconds * 1000);
      const perSecond = (usageOf(pid).cpuSeconds - before) / restSeconds;
      idle += perSecond / 3;
      for (const path of paths) {
        const [startCpu, startMs] = [usageOf(pid).cpuSeconds, performance.now()];
        for (let at = 0; at < given.scrapes; at++) await ask(path);
        const tookSeconds = (performance.now() - startMs) / 1000;
        const each = (usageOf(pid).cpuSeconds - startCpu - perSecond * tookSeconds) / given.scrapes;
        seconds.set(path, (seconds.get(path) ?? 0) + each / 3);
      }
    }
    say(
      `${given.pods} pods as ${runtime === "oci" ? "containers" : "plain processes"}; agent at rest: ${percent(idle)} of a core`,
    );
    for (const [path, each] of seconds)
      say(
        `${path}: ${(each * 1000).toFixed(1)} ms of CPU each, ${percent(each / given.interval)} of a core every ${given.interval} s`,
      );
    const all = [...seconds.values()].reduce((sum, each) => sum + each, 0);
    say(`all four: ${percent(all / given.interval)} of a core`);
  } finally {
    client.close();
    await cluster.stop();
  }
}

const percent = (share: number) => `${(share * 100).toFixed(2)} %`;

function deployment(replicas: number): string {
  const container = { name: "sleeps", image: "pintle.local/host", command: ["sleep", "100000"] };
  return JSON.stringify({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "many" },
    spec: {
      replicas,
      selector: { matchLabels: { app: "many" } },
      template: { metadata: { labels: { app: "many" } }, spec: { containers: [container] } },
    },
  });
}

await asCommand(main);
