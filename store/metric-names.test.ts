import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../base/os/clock.ts";
import { systemRandom } from "../base/os/random.ts";
import { openStoreClient } from "./client/open-client.ts";
import type { RunningStore } from "./compose.ts";
import { startAlone } from "./testing/start-alone.ts";

interface Family {
  readonly type: string;
  readonly labels: Set<string>;
  readonly bounds: Set<string>;
}

/** What V8 has no counterpart for. */
const ofGo = /^go_(gc|goroutines|info|memstats_(?!alloc_bytes$|heap_alloc|heap_sys)|sched)/;

/** Reads Prometheus' text format. */
function families(text: string): ReadonlyMap<string, Family> {
  const found = new Map<string, Family>();
  for (const line of text.split("\n")) {
    const [, name, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (name !== undefined && type !== undefined)
      found.set(name, { type, labels: new Set(), bounds: new Set() });
    const [, sample, labels = ""] = /^([a-z_0-9]+)(?:\{(.*)\})? \S+$/i.exec(line) ?? [];
    const family = found.get(sample ?? "") ?? found.get((sample ?? "").replace(/_(bucket|sum|count)$/, ""));
    for (const [, label = "", value = ""] of labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g))
      if (label !== "le") family?.labels.add(label);
      else if (value !== "+Inf") family?.bounds.add(String(Number(Number(value).toPrecision(10))));
  }
  return found;
}

describe("metrics", () => {
  let store: RunningStore;
  let dataDir: string;
  let text: string;
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "pintle-metric-names-"));
    store = await startAlone(dataDir, "--metrics=extensive", "--snapshot-count=1");
    const url = `http://127.0.0.1:${store.clientPorts[0]}`;
    const client = openStoreClient({ endpoints: [url] }, { clock: systemClock, random: systemRandom });
    await client.put("a", "1");
    await client.get("a");
    client.close();
    for (const path of ["/health", "/livez", "/readyz"]) await fetch(`${url}${path}`);
    text = await (await fetch(`${url}/metrics`)).text();
  });
  after(async () => {
    await store.stop();
    await rm(dataDir, { recursive: true });
  });

  it("have etcd's names, types, labels and bounds, but for those of Go's runtime", async () => {
    const ours = families(text);
    const recorded = await readFile(join(import.meta.dirname, "testdata/etcd-metrics.txt"), "utf8");
    const problems: string[] = [];
    for (const row of recorded.split("\n").filter((line) => line !== "" && !line.startsWith("#"))) {
      const [name = "", type = "", labels = "", bounds = ""] = row.split(" ");
      if (ofGo.test(name)) continue;
      const family = ours.get(name);
      if (family === undefined) problems.push(`${name} is missing`);
      else if (family.type !== type) problems.push(`${name} is a ${family.type}, not a ${type}`);
      if (family === undefined) continue;
      const own = [...family.labels].sort().join(",");
      if (own !== "" && own !== labels) problems.push(`${name} has the labels ${own}, not ${labels}`);
      const ownBounds = [...family.bounds].join(",");
      const wanted = bounds.split(",").map(Number).join(",");
      if (ownBounds !== "" && ownBounds !== wanted)
        problems.push(`${name} has the bounds ${ownBounds}, not ${bounds}`);
    }
    assert.deepEqual(problems, []);
  });
});
