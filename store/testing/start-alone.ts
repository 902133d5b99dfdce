import { systemClock } from "../../base/os/clock.ts";
import { type Disk, systemDisk } from "../../base/os/disk.ts";
import { parseFlags } from "../../base/os/flags.ts";
import { type Log, silentLog } from "../../base/os/log.ts";
import { MetricsRegistry } from "../../base/os/metrics.ts";
import { systemRandom } from "../../base/os/random.ts";
import { type RunningStore, startStore } from "../compose.ts";
import { storeConfig, storeFlags } from "../flags.ts";

const ownFlags = [
  "--listen-client-urls=http://127.0.0.1:0",
  "--advertise-client-urls=http://127.0.0.1:9",
  "--listen-peer-urls=http://127.0.0.1:0",
  "--initial-advertise-peer-urls=http://127.0.0.1:9",
  "--initial-cluster=default=http://127.0.0.1:9",
];
const nameOf = (flag: string) => flag.split("=", 1)[0];

/** A cluster of one member in this process, on a free port of loopback and with real files. Flags given as `more`, each
 *  `--name=value`, take the place of those of the same name here. */
export function startAlone(
  where: string | { readonly dataDir: string; readonly disk?: Disk; readonly log?: Log },
  ...more: readonly string[]
): Promise<RunningStore> {
  const {
    dataDir,
    disk = systemDisk,
    log = silentLog,
  } = typeof where === "string" ? { dataDir: where } : where;
  const given = new Set(more.map(nameOf));
  const own = ownFlags.filter((flag) => !given.has(nameOf(flag)));
  const { flags } = parseFlags(storeFlags, [`--data-dir=${dataDir}`, ...own, ...more]);
  const os = { clock: systemClock, random: systemRandom, disk, log };
  const metrics = new MetricsRegistry();
  metrics.addProcessMetrics();
  return startStore(storeConfig(flags), { ...os, metrics });
}
