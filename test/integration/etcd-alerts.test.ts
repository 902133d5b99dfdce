import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { systemClock } from "../../base/os/clock.ts";
import { type Disk, systemDisk } from "../../base/os/disk.ts";
import { freePorts } from "../../base/os/free-ports.ts";
import { systemRandom } from "../../base/os/random.ts";
import { openStoreClient } from "../../store/client/open-client.ts";
import type { RunningStore } from "../../store/compose.ts";
import { startAlone } from "../../store/testing/start-alone.ts";
import { eventually } from "../local-cluster.ts";
import { type Alert, Prometheus, prometheusMissing } from "./prometheus.ts";

const alertsFile = join(import.meta.dirname, "etcd-alerts.yaml");

/** What etcd's dashboard for Grafana asks for. */
const ofDashboard = [
  "etcd_disk_backend_commit_duration_seconds_bucket",
  "etcd_disk_wal_fsync_duration_seconds_bucket",
  "etcd_mvcc_db_total_size_in_bytes",
  "etcd_network_client_grpc_received_bytes_total",
  "etcd_network_client_grpc_sent_bytes_total",
  "etcd_network_peer_received_bytes_total",
  "etcd_network_peer_round_trip_time_seconds_bucket",
  "etcd_network_peer_sent_bytes_total",
  "etcd_server_has_leader",
  "etcd_server_leader_changes_seen_total",
  "etcd_server_proposals_applied_total",
  "etcd_server_proposals_committed_total",
  "etcd_server_proposals_failed_total",
  "etcd_server_proposals_pending",
  "grpc_server_handled_total",
  "grpc_server_started_total",
  "process_resident_memory_bytes",
];

/** A disk whose syncs take long. */
const slowDisk: Disk = {
  ...systemDisk,
  open: async (path, options) => {
    const file = await systemDisk.open(path, options);
    return new Proxy(file, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (name === "sync")
          return async () => {
            await delay(1_100);
            await target.sync();
          };
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  },
};

describe("etcd's alerts", function () {
  this.timeout(150_000);
  const folders: string[] = [];
  const stores: RunningStore[] = [];
  const stopped = new AbortController();
  const loads: Promise<void>[] = [];
  let prometheus: Prometheus | undefined;

  const start = async (flags: readonly string[], disk?: Disk): Promise<RunningStore> => {
    const folder = await mkdtemp(join(tmpdir(), "pintle-alerts-"));
    folders.push(folder);
    const store = await startAlone(
      { dataDir: folder, ...(disk && { disk }) },
      "--metrics=extensive",
      ...flags,
    );
    stores.push(store);
    return store;
  };
  const addressOf = (store: RunningStore) => `127.0.0.1:${store.clientPorts[0]}`;

  /** Puts one after the other, whatever becomes of each, with a pause between them. */
  const load = (store: RunningStore, valueBytes: number, pauseMs = 0) => {
    const parts = { clock: systemClock, random: systemRandom };
    const client = openStoreClient({ endpoints: [`http://${addressOf(store)}`] }, parts);
    const run = async () => {
      for (let at = 0; !stopped.signal.aborted; at++)
        await client
          .put(`k${at % 100}`, "x".repeat(valueBytes))
          .then(() => (pauseMs > 0 ? delay(pauseMs) : undefined))
          .catch(() => delay(20));
      client.close();
    };
    loads.push(run());
  };

  before(function () {
    if (prometheusMissing) this.skip();
  });
  after(async () => {
    await prometheus?.stop();
    stopped.abort();
    await Promise.all(loads);
    for (const store of stores) await store.stop();
    for (const folder of folders) await rm(folder, { recursive: true });
  });

  it("ask for metrics that are there, as the dashboard does", async () => {
    const store = await start([]);
    const text = await (await fetch(`http://${addressOf(store)}/metrics`)).text();
    const told = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = ""]) => name));
    const rules = await readFile(alertsFile, "utf8");
    const ofRules = [...rules.matchAll(/\b(?:etcd|grpc)_[a-z_]+(?=\{)/g)].map(([name]) => name);
    assert.ok(ofRules.length > 10);
    const asked = [...new Set([...ofRules, ...ofDashboard])];
    const missing = asked.filter((name) => !told.has(name) && !told.has(name.replace(/_bucket$/, "")));
    assert.deepEqual(missing, []);
    const check = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
    assert.doesNotMatch(check.stderr, /error while linting/);
  });

  it("fire for members that are in need, and not for one that is well", async () => {
    const [goneA, goneB] = await freePorts(2);
    const quiet = await start([]);
    const leaderless = await start([
      "--wait-cluster-ready-timeout=0s",
      `--initial-cluster=default=http://127.0.0.1:9,other=http://127.0.0.1:${goneA}`,
    ]);
    const full = await start(["--quota-backend-bytes=200000"]);
    const slow = await start([], slowDisk);
    // Faster, and its database would be predicted to outgrow its quota.
    load(quiet, 100, 5);
    load(full, 5_000);
    load(slow, 100);
    prometheus = await Prometheus.start(
      {
        "etcd-quiet": addressOf(quiet),
        "etcd-leaderless": addressOf(leaderless),
        "etcd-full": addressOf(full),
        "etcd-slow": addressOf(slow),
        "etcd-gone": `127.0.0.1:${goneB}`,
      },
      alertsFile,
    );
    const wanted = [
      "etcdMembersDown of etcd-gone",
      "etcdInsufficientMembers of etcd-gone",
      "etcdNoLeader of etcd-leaderless",
      "etcdDatabaseQuotaLowSpace of etcd-full",
      "etcdHighNumberOfFailedGRPCRequests of etcd-full",
      "etcdHighFsyncDurations of etcd-slow",
      "etcdGRPCRequestsSlow of etcd-slow",
    ];
    const nameOf = ({ labels }: Alert) => `${labels.alertname} of ${labels.job}`;
    const server = prometheus;
    const firing = await eventually(
      "all alerts fire that should",
      async () => [...new Set((await server.alerts()).map(nameOf))].sort(),
      (names) => wanted.every((name) => names.includes(name)),
    );
    // How fast this machine is at the moment is another matter.
    const ofSpeed = /^etcd(GRPCRequestsSlow|High(Fsync|Commit)Durations) /;
    assert.deepEqual(
      firing.filter((name) => name.endsWith(" of etcd-quiet") && !ofSpeed.test(name)),
      [],
    );
  });
});
