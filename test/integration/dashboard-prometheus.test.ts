import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "../../base/assert.ts";
import { systemClock } from "../../base/os/clock.ts";
import { freePorts } from "../../base/os/free-ports.ts";
import { ApiWay } from "../../controlplane/dashboard/server/api-way.ts";
import { PrometheusSource } from "../../controlplane/dashboard/server/usage/prometheus-source.ts";
import { readQuestion } from "../../controlplane/dashboard/server/usage/question.ts";
import { prometheusMissing } from "./prometheus.ts";

const dayMs = 86_400_000;
const everyMs = 60_000;

/** A day of a container that uses a quarter of a core and 64 MiB, measured by two jobs, of another one, and of a node. */
function dayOfMeasurements(nowMs: number): string {
  const family = (
    name: string,
    type: string,
    rows: readonly (readonly [string, (at: number) => number])[],
  ) => {
    const lines: string[] = [`# TYPE ${name.replace(/_total$/, "")} ${type}`];
    for (const [labels, value] of rows)
      for (let at = 0; at <= dayMs / everyMs; at++)
        lines.push(`${name}{${labels}} ${value(at)} ${(nowMs - dayMs + at * everyMs) / 1000}`);
    return lines.join("\n");
  };
  const of = (job: string, pod: string, container: string) =>
    `job="${job}",namespace="a",pod="${pod}",container="${container}"`;
  const cpu = (share: number) => (at: number) => at * (everyMs / 1000) * share;
  return [
    family("container_cpu_usage_seconds_total", "counter", [
      [of("cadvisor", "web-1", "c"), cpu(0.25)],
      [of("resource", "web-1", "c"), cpu(0.25)],
      [of("cadvisor", "web-1", ""), cpu(9)],
      [of("cadvisor", "web-1", "POD"), cpu(9)],
      [of("cadvisor", "web-2", "c"), cpu(0.5)],
    ]),
    family("container_memory_working_set_bytes", "gauge", [
      [of("cadvisor", "web-1", "c"), () => 2 ** 26],
      [of("cadvisor", "web-2", "c"), () => 2 ** 25],
    ]),
    family("node_cpu_usage_seconds_total", "counter", [['instance="n1"', cpu(1)]]),
    family("node_memory_working_set_bytes", "gauge", [['instance="n1"', () => 2 ** 30]]),
    "# EOF\n",
  ].join("\n");
}

describe("the dashboard's charts out of a real Prometheus", function () {
  this.timeout(60_000);
  let folder: string;
  let source: PrometheusSource;
  let way: ApiWay;
  const ends: (() => Promise<void>)[] = [];

  before(async function () {
    if (prometheusMissing) return this.skip();
    folder = await mkdtemp(join(tmpdir(), "pintle-charts-"));
    ends.push(() => rm(folder, { recursive: true, force: true }));
    const data = join(folder, "data");
    await writeFile(join(folder, "day.txt"), dayOfMeasurements(Math.floor(Date.now() / everyMs) * everyMs));
    const made = spawnSync("promtool", [
      "tsdb",
      "create-blocks-from",
      "openmetrics",
      join(folder, "day.txt"),
      data,
    ]);
    assert.equal(made.status, 0, String(made.stderr));
    await writeFile(join(folder, "config.yaml"), "{}");
    const [port] = await freePorts(1);
    const address = `127.0.0.1:${must(port, "a port")}`;
    const child = spawn(
      "prometheus",
      [
        `--config.file=${join(folder, "config.yaml")}`,
        `--storage.tsdb.path=${data}`,
        `--web.listen-address=${address}`,
      ],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    ends.unshift(async () => {
      if (child.exitCode === null && child.kill("SIGKILL")) await once(child, "exit");
    });
    await new Promise<void>((resolve, reject) => {
      let said = "";
      child.stderr.on("data", (piece) => {
        said += piece;
        if (said.includes("Server is ready to receive web requests")) resolve();
      });
      child.once("exit", () => reject(new Error(`prometheus ended: ${said}`)));
    });
    const api = createServer((_request, response) =>
      response.end(
        JSON.stringify({ items: [{ metadata: { name: "web-1" } }, { metadata: { name: "web-2" } }] }),
      ),
    );
    await once(api.listen(0, "127.0.0.1"), "listening");
    way = new ApiWay(
      { servers: [`http://127.0.0.1:${(api.address() as AddressInfo).port}`], namespace: "a" },
      systemClock,
    );
    ends.unshift(async () => {
      way.close();
      api.closeAllConnections();
      await new Promise((resolve) => api.close(resolve));
    });
    source = new PrometheusSource({ url: `http://${address}` }, systemClock);
  });
  after(async () => {
    for (const end of ends) await end();
  });

  /** The use in the middle of the range, by name. */
  async function useOf(
    query: string,
  ): Promise<Readonly<Record<string, readonly [number | null, number | null]>>> {
    const { set } = await source.ask(readQuestion(new URLSearchParams(query)), way);
    const middle = Math.floor(set.times.length / 2);
    return Object.fromEntries(
      set.series.map(({ name, cpu, memory }) => [
        name,
        [Number((cpu[middle] ?? Number.NaN).toFixed(3)), memory[middle] ?? null] as const,
      ]),
    );
  }

  it("are of each container once, whoever measured it, and of pods, namespaces and nodes", async () => {
    assert.deepEqual(await useOf("of=pod&namespace=a&name=web-1&range=1h"), { c: [0.25, 2 ** 26] });
    assert.deepEqual(await useOf("of=pods&namespace=a&selector=x&range=6h"), {
      "web-1": [0.25, 2 ** 26],
      "web-2": [0.5, 2 ** 25],
    });
    assert.deepEqual(await useOf("of=namespace&namespace=a&range=1d"), { a: [0.75, 2 ** 26 + 2 ** 25] });
    assert.deepEqual(await useOf("of=node&name=n1&range=2h"), { n1: [1, 2 ** 30] });
    assert.deepEqual(await useOf("of=cluster&range=15m"), { n1: [1, 2 ** 30] });
  });

  it("are nothing of what it does not know", async () => {
    assert.deepEqual(await useOf("of=pod&namespace=b&name=web-1&range=7d"), {});
  });
});
