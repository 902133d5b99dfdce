import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../base/os/clock.ts";
import { systemDisk } from "../../../base/os/disk.ts";
import { silentLog } from "../../../base/os/log.ts";
import { MetricsRegistry } from "../../../base/os/metrics.ts";
import { systemRandom } from "../../../base/os/random.ts";
import { resources } from "../../../client/resources.ts";
import { FakeApi } from "../../../client/testing/fake-api.ts";
import { bulkAnswer, httpReceiver } from "../../../shipping/testing/http-receiver.ts";
import { readEventShipping, shipEvents } from "./ship-events.ts";

describe("shipping of Events", () => {
  let folder: string;
  let wake: () => void = () => undefined;
  const store = new Map<string, Record<string, unknown>>();
  let isUp = true;
  let close: () => Promise<void>;
  let file: string;
  beforeEach(async () => {
    store.clear();
    isUp = true;
    folder = mkdtempSync(join(tmpdir(), "pintle-events-"));
    const receiver = await httpReceiver(({ body }) => {
      const answer = isUp ? bulkAnswer(body, store) : { status: 503 };
      wake();
      return answer;
    });
    close = receiver.close;
    file = join(folder, "shipping.yaml");
    writeFileSync(
      file,
      `apiVersion: pintle.dev/v1alpha1
kind: LogShipping
receivers:
- name: search
  elasticsearch: { url: "http://127.0.0.1:${receiver.port}" }
  select: [{ source: events, exceptNamespaces: [noise] }]
  batch: { maxWait: 0s }
  retry: { firstWait: 5ms, maxWait: 20ms }
`,
    );
  });
  afterEach(async () => {
    await close();
    rmSync(folder, { recursive: true });
  });

  const changed = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
  const until = async (count: number) => {
    while (store.size < count) await changed();
  };
  const messages = () => [...store.values()].map(({ message }) => message);
  const os = () => ({
    clock: systemClock,
    random: systemRandom,
    disk: systemDisk,
    log: silentLog,
    metrics: new MetricsRegistry(),
  });
  const lead = (api: FakeApi) => {
    const abort = new AbortController();
    const ended = shipEvents(readEventShipping(file), api, os(), abort.signal);
    return async () => {
      abort.abort();
      await ended;
    };
  };
  const event = (name: string, message: string, namespace = "shop") => ({
    apiVersion: "v1",
    kind: "Event",
    metadata: { name, namespace },
    involvedObject: { kind: "Pod", namespace, name: "web" },
    reason: "BackOff",
    type: "Warning",
    lastTimestamp: "2026-01-02T03:04:05Z",
    message,
  });

  it("sends what is there and what comes, each version once, and the next leader goes on from what was acknowledged", async () => {
    const api = new FakeApi();
    await api.create(resources.events, event("a", "one"));
    await api.create(resources.events, event("x", "never", "noise"));
    let resign = lead(api);
    await until(1);
    const created = await api.create(resources.events, event("b", "two"));
    await until(2);
    await api.update(resources.events, { ...created, message: "two again", count: 2 });
    await until(3);
    await resign();
    isUp = false;
    await api.create(resources.events, event("c", "three"));
    resign = lead(api);
    await changed();
    await resign();
    isUp = true;
    store.clear();
    resign = lead(api);
    await until(1);
    await api.delete(resources.events, { namespace: "shop", name: "a" });
    await api.create(resources.events, event("d", "four"));
    await until(2);
    await resign();
    assert.deepEqual(messages(), ["three", "four"]);
    const [three] = [...store.values()];
    assert.deepEqual(
      [three?.["@timestamp"], three?.["log.level"], three?.["kubernetes.namespace"]],
      ["2026-01-02T03:04:05Z", "warn", "shop"],
    );
    const attributes = three?.attributes as Record<string, string>;
    assert.equal(attributes["k8s.event.reason"], "BackOff");
    assert.equal(attributes["k8s.object.kind"], "Pod");
  });
});
