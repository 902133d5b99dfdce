import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../base/os/clock.ts";
import { systemDisk } from "../../../base/os/disk.ts";
import { silentLog } from "../../../base/os/log.ts";
import { MetricsRegistry } from "../../../base/os/metrics.ts";
import { systemRandom } from "../../../base/os/random.ts";
import { bulkAnswer, httpReceiver } from "../../../shipping/testing/http-receiver.ts";
import { podLogFolders } from "../folders.ts";
import { criLines } from "./cri-lines.ts";
import { shipLogs } from "./ship-logs.ts";

describe("the agent's shipping of logs", () => {
  let rootDir: string;
  beforeEach(() => {
    rootDir = mkdtempSync(join(tmpdir(), "pintle-ship-"));
  });
  afterEach(() => rmSync(rootDir, { recursive: true, force: true }));

  it("takes a node's containers and components to where they are wanted, with what is known of them", async () => {
    const store = new Map<string, unknown>();
    let wake: () => void = () => undefined;
    const receiver = await httpReceiver(({ body }) => {
      const answer = bulkAnswer(body, store);
      wake();
      return answer;
    });
    const until = async (count: number) => {
      while (store.size < count)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    };
    const logs = join(rootDir, "logs");
    const folder = join(logs, "shop_web_u1", "app");
    const components = join(rootDir, "components");
    for (const path of [folder, components]) mkdirSync(path, { recursive: true });
    const log = join(folder, "0.log");
    writeFileSync(join(folder, "0.labels.json"), '{"app":"web"}');
    const line = (second: number, text: string, tag = "F") =>
      `2026-01-02T03:04:${String(second).padStart(2, "0")}.5Z stdout ${tag} ${text}\n`;
    writeFileSync(log, line(1, "one") + line(2, "two ", "P"));
    writeFileSync(
      join(components, "apiserver-1.log"),
      "2026-01-02T03:00:00.000Z warn  slow fsync tookMs=3\n",
    );
    const file = join(rootDir, "shipping.yaml");
    writeFileSync(
      file,
      `apiVersion: pintle.dev/v1alpha1
kind: LogShipping
receivers:
- name: search
  elasticsearch: { url: "http://127.0.0.1:${receiver.port}", index: all }
  batch: { maxWait: 0s }
`,
    );
    const metrics = new MetricsRegistry();
    const os = { clock: systemClock, random: systemRandom, disk: systemDisk, log: silentLog, metrics };
    const folders = { ...podLogFolders(logs), components: [components], audit: [] };
    const node = { file, nodeName: "node-1", rootDir, folders };
    const first = await shipLogs(node, os);
    try {
      await until(2);
      appendFileSync(log, line(3, "halves") + line(4, "three"));
      renameSync(log, `${log}.1`);
      writeFileSync(log, line(5, "four"));
      await until(5);
    } finally {
      await first.stop();
    }
    appendFileSync(log, line(6, "five"));
    const second = await shipLogs(node, os);
    try {
      await until(6);
    } finally {
      await second.stop();
      await receiver.close();
    }
    const documents = [...store.values()] as Record<string, Record<string, unknown>>[];
    const of = (dataset: string) =>
      documents.filter(({ event }) => event?.dataset === `kubernetes.${dataset}`);
    assert.deepEqual(
      of("container_logs").map(({ message }) => message),
      ["one", "two halves", "three", "four", "five"],
    );
    const { kubernetes } = of("container_logs")[0] ?? {};
    assert.deepEqual(kubernetes, {
      namespace: "shop",
      node: { name: "node-1" },
      pod: { name: "web", uid: "u1" },
      labels: { app: "web" },
      container: { name: "app" },
    });
    const [component] = of("component_logs");
    assert.deepEqual(
      [component?.["@timestamp"], component?.["log.level"], component?.service],
      ["2026-01-02T03:00:00.000Z", "warn", { name: "apiserver-1" }],
    );
    const text = await metrics.text();
    assert.match(
      text,
      /pintle_log_shipping_acknowledged_records_total\{component="agent",receiver="search"\} 6/,
    );
  });

  it("joins pieces of each output's lines, and begins no frame within one", () => {
    const line = (output: string, tag: string, text: string) =>
      `2026-01-02T03:04:05Z ${output} ${tag} ${text}\n`;
    const text =
      line("stdout", "P", "a") +
      line("stderr", "F", "e") +
      line("stdout", "F", "b") +
      line("stderr", "P", "x");
    const bytes = Buffer.from(text);
    const whole = criLines.wholeBytes(bytes);
    assert.equal(whole, text.length - line("stderr", "P", "x").length);
    const stream = { source: "containers", key: "k" } as const;
    const frame = { stream, format: "cri", lines: 1, atMs: 0, place: { file: "f", start: 10, end: 0 } };
    assert.deepEqual(
      criLines
        .records({ ...frame, body: bytes.subarray(0, whole) })
        .map(({ id, output, text: said }) => [id, output, said]),
      [
        [`f-${(10 + line("stdout", "P", "a").length).toString(36)}`, "stderr", "e"],
        ["f-a", "stdout", "ab"],
      ],
    );
    assert.equal(criLines.wholeBytes(Buffer.from(line("stdout", "P", "a"))), 0);
    // Nothing came behind it.
    assert.deepEqual(
      criLines
        .records({ ...frame, body: Buffer.from(`torn\n${line("stdout", "P", "a")}`) })
        .map((one) => one.text),
      ["a"],
    );
  });
});
