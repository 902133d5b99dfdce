// A node's shipping in a process of its own, to be killed: ROOT FILE.

import { podLogFolders } from "../../agent/logs/folders.ts";
import { shipLogs } from "../../agent/logs/ship/ship-logs.ts";
import { systemClock } from "../../base/os/clock.ts";
import { systemDisk } from "../../base/os/disk.ts";
import { silentLog } from "../../base/os/log.ts";
import { MetricsRegistry } from "../../base/os/metrics.ts";
import { systemRandom } from "../../base/os/random.ts";

const [rootDir = "", file = ""] = process.argv.slice(2);
const os = {
  clock: systemClock,
  random: systemRandom,
  disk: systemDisk,
  log: silentLog,
  metrics: new MetricsRegistry(),
};
const folders = { ...podLogFolders(`${rootDir}/logs`), components: [], audit: [] };
await shipLogs({ file, nodeName: "node-1", rootDir, folders }, os);
process.send?.("ready");
