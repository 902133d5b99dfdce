import { join } from "node:path";
import type { Os, Running } from "../../../base/os/os.ts";
import { readShippingFile } from "../../../shipping/config/read-config.ts";
import { plainLines } from "../../../shipping/lines/plain-lines.ts";
import type { Stream } from "../../../shipping/record.ts";
import { startShipping } from "../../../shipping/start-shipping.ts";
import type { LogFiles } from "../../../shipping/tail/file-reader.ts";
import { tailedFiles } from "../../../shipping/tail/tailed-files.ts";
import type { LogFolders } from "../folders.ts";
import { type LogSource, listLogSources } from "../sources.ts";
import { criLines } from "./cri-lines.ts";

export interface ShipNode {
  /** `kind: LogShipping`. */
  readonly file: string;
  readonly nodeName: string;
  readonly rootDir: string;
  readonly folders: LogFolders;
}

/** Several receivers look at once. */
const listedForMs = 100;

/** Ships the lines of this node's containers, and of the components that it was told of. Audit logs are their API server's to ship.
 *  Rejects with UsageError, naming what is wrong in the file. */
export async function shipLogs(node: ShipNode, os: Os): Promise<Running> {
  let listed: { readonly untilMs: number; readonly files: Promise<readonly LogFiles[]> } | undefined;
  const list = () => {
    const nowMs = os.clock.monotonicMs();
    if (listed === undefined || nowMs >= listed.untilMs)
      listed = { untilMs: nowMs + listedForMs, files: logFiles(node) };
    return listed.files;
  };
  return startShipping(
    {
      config: readShippingFile("log-shipping", node.file),
      component: "agent",
      folder: join(node.rootDir, "log-shipping"),
      sources: ["containers", "components"],
      formats: [criLines, plainLines],
      open: (about) => tailedFiles({ clock: os.clock, log: os.log, list }, about),
    },
    os,
  );
}

async function logFiles({ nodeName, folders }: ShipNode): Promise<readonly LogFiles[]> {
  const sources = await listLogSources(folders, { kinds: new Set(["container", "component"]) });
  return sources.map((source) => ({
    stream: streamOf(source, nodeName),
    format: source.format === "cri" ? criLines : plainLines,
    // What was compressed was read before, unless nobody shipped then.
    files: source.files
      .filter(({ isCompressed }) => !isCompressed)
      .map(({ path, ino, sizeBytes }) => ({ path, inode: ino, sizeBytes })),
  }));
}

export function streamOf({ id, origin, files }: LogSource, node: string): Stream {
  const path = files.at(-1)?.path;
  const about = { key: `${node}/${id}`, node, ...(path !== undefined && { path }) };
  if (origin.kind !== "container") return { source: "components", ...about, component: origin.component };
  const { namespace, pod: name, podUid: uid, labels, container, restart } = origin;
  return {
    source: "containers",
    ...about,
    namespace,
    pod: { name, uid, labels },
    container,
    restarts: restart,
  };
}
