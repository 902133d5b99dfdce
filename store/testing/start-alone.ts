import { systemClock } from "../../base/os/clock.ts";
import { systemDisk } from "../../base/os/disk.ts";
import { parseFlags } from "../../base/os/flags.ts";
import { silentLog } from "../../base/os/log.ts";
import { MetricsRegistry } from "../../base/os/metrics.ts";
import { systemRandom } from "../../base/os/random.ts";
import { type RunningStore, startStore } from "../compose.ts";
import { storeConfig, storeFlags } from "../flags.ts";

/** A cluster of one member in this process, on a free port of loopback and with real files. */
export function startAlone(dataDir: string): Promise<RunningStore> {
  const { flags } = parseFlags(storeFlags, [
    `--data-dir=${dataDir}`,
    "--listen-client-urls=http://127.0.0.1:0",
    "--advertise-client-urls=http://127.0.0.1:9",
    "--listen-peer-urls=http://127.0.0.1:0",
    "--initial-advertise-peer-urls=http://127.0.0.1:9",
    "--initial-cluster=default=http://127.0.0.1:9",
  ]);
  const os = { clock: systemClock, random: systemRandom, disk: systemDisk, log: silentLog };
  return startStore(storeConfig(flags), { ...os, metrics: new MetricsRegistry() });
}
