// What an agent's shipping of logs costs its process: reading files, the buffer on disk, encoding, compressing and sending.
//   npm run bench:shipping -- 400000
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { podLogFolders } from "../../agent/logs/folders.ts";
import { shipLogs } from "../../agent/logs/ship/ship-logs.ts";
import { sleep, systemClock } from "../../base/os/clock.ts";
import { systemDisk } from "../../base/os/disk.ts";
import { silentLog } from "../../base/os/log.ts";
import { MetricsRegistry } from "../../base/os/metrics.ts";
import { systemRandom } from "../../base/os/random.ts";

const lines = Number(process.argv[2] ?? 400_000);
const containers = 4;
const rounds = 3;
const folder = mkdtempSync(join(tmpdir(), "pintle-bench-"));
const receiver = fork(join(import.meta.dirname, "receiver.ts"), { execArgv: ["--import", "tsx"] });
const [port] = (await once(receiver, "message")) as [number];

const kinds = {
  elasticsearch: `elasticsearch: { url: "http://127.0.0.1:${port}" }`,
  "elasticsearch, not compressed": `elasticsearch: { url: "http://127.0.0.1:${port}", gzip: false }`,
  loki: `loki: { url: "http://127.0.0.1:${port}" }`,
  otlp: `otlp: { url: "http://127.0.0.1:${port}" }`,
  file: `file: { path: ${folder}/out.ndjson, maxFiles: 2 }`,
};

writeLogs();
try {
  console.log(
    `${lines} lines of ${containers} containers, some 120 bytes each; the median of ${rounds} rounds\n`,
  );
  console.log("| receiver | lines/s | CPU a line, µs |\n| --- | --- | --- |");
  const figures = new Map<string, { perSecond: number; micros: number }[]>();
  for (let round = 0; round < rounds; round++)
    for (const [kind, receiverText] of Object.entries(kinds))
      figures.set(kind, [...(figures.get(kind) ?? []), await measure(receiverText)]);
  for (const [kind, all] of figures) {
    const middle = (of: (one: { perSecond: number; micros: number }) => number) =>
      all.map(of).sort((a, b) => a - b)[rounds >> 1] ?? 0;
    console.log(
      `| ${kind} | ${Math.round(middle((one) => one.perSecond))} | ${middle((one) => one.micros).toFixed(1)} |`,
    );
  }
} finally {
  receiver.disconnect();
  rmSync(folder, { recursive: true, force: true });
}

/** Written anew for each round: the buffer and the places in files are the round's own. */
async function measure(receiverText: string): Promise<{ perSecond: number; micros: number }> {
  rmSync(join(folder, "log-shipping"), { recursive: true, force: true });
  const file = join(folder, "shipping.yaml");
  const head = "apiVersion: pintle.dev/v1alpha1\nkind: LogShipping\nreceivers:\n";
  writeFileSync(file, `${head}- name: far\n  ${receiverText}\n`);
  const metrics = new MetricsRegistry();
  const os = { clock: systemClock, random: systemRandom, disk: systemDisk, log: silentLog, metrics };
  const folders = { ...podLogFolders(join(folder, "logs")), components: [], audit: [] };
  const startedMs = performance.now();
  const before = process.cpuUsage();
  const shipping = await shipLogs({ file, nodeName: "node-1", rootDir: folder, folders }, os);
  while (
    !(await metrics.text()).includes(
      `acknowledged_records_total{component="agent",receiver="far"} ${lines}\n`,
    )
  )
    await sleep(systemClock, 20);
  const tookMs = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(before);
  await shipping.stop();
  return { perSecond: (lines / tookMs) * 1000, micros: (user + system) / lines };
}

function writeLogs(): void {
  for (let container = 0; container < containers; container++) {
    const path = join(folder, "logs", `shop_web_u${container}`, "app");
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, "0.labels.json"), '{"app":"web","app.kubernetes.io/name":"web"}');
    const text: string[] = [];
    for (let line = 0; line < lines / containers; line++) {
      const time = new Date(Date.UTC(2026, 0, 1) + line).toISOString().replace("Z", "123456Z");
      text.push(
        `${time} stdout F level=info msg="request served" path=/api/orders/${line} status=200 took=${line % 97}ms user=u${line % 1009}\n`,
      );
    }
    writeFileSync(join(path, "0.log"), text.join(""));
  }
}
