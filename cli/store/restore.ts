import { resolve } from "node:path";
import { UsageError } from "../../base/os/flags.ts";
import { parseInitialCluster } from "../../store/membership/initial-cluster.ts";
import { restoreSnapshot } from "../../store/offline/restore.ts";
import { command } from "../command.ts";
import { systemOs } from "../run-component.ts";
import { answerText, onlyWord, outputFlag } from "./formats.ts";

const flags = {
  "data-dir": {
    kind: "string",
    value: "DIR",
    help: "the directory to make (default NAME.etcd, as with etcd's tools)",
  },
  "wal-dir": {
    kind: "string",
    value: "DIR",
    help: "where the write-ahead log goes, when not into the data directory",
  },
  name: { kind: "string", default: "default", value: "NAME", help: "the member that the directory is for" },
  "initial-cluster": {
    kind: "list",
    value: "NAME=URL,…",
    help: "all members of the new cluster with their peer URLs (default NAME=http://localhost:2380)",
  },
  "initial-cluster-token": {
    kind: "string",
    default: "etcd-cluster",
    value: "TOKEN",
    help: "tells this cluster from others that have the same URLs",
  },
  "initial-advertise-peer-urls": {
    kind: "list",
    default: ["http://localhost:2380"],
    value: "URLS",
    help: "this member's peer URLs, as --initial-cluster has them",
  },
  "skip-hash-check": {
    kind: "boolean",
    help: "take a file without the SHA-256 that snapshots end with, such as a copy of member/snap/db",
  },
  "bump-revision": {
    kind: "integer",
    default: 0,
    value: "N",
    help: "go on with a revision higher by N, so that no client sees revisions fall; needs --mark-compacted",
  },
  "mark-compacted": {
    kind: "boolean",
    help: "count everything up to the raised revision as compacted, so that watches and caches begin anew",
  },
  "initial-memory-map-size": {
    kind: "integer",
    hidden: true,
    help: "has no meaning here: no file is mapped into memory",
  },
  output: outputFlag,
} as const;

export const restoreCommand = command<typeof flags>({
  name: "store restore",
  summary: "make a member's data directory of a snapshot, of this store's or of etcd's (3.4 to 3.7)",
  usage: "FILE --data-dir DIR",
  words: ["file", "none"],
  flags,
  examples: [
    "pintle store restore backup.db --data-dir /var/lib/pintle",
    "pintle store restore backup.db --data-dir /var/lib/pintle --name a --initial-cluster a=http://10.0.0.1:2380,b=http://10.0.0.2:2380,c=http://10.0.0.3:2380 --initial-advertise-peer-urls http://10.0.0.1:2380",
    "pintle store restore backup.db --data-dir /var/lib/pintle --bump-revision 1000000000 --mark-compacted",
  ],
  async run({ flags: given, words }, io) {
    const snapshotPath = onlyWord(words, "snapshot file");
    const { name } = given;
    const initialCluster = clusterOf(given["initial-cluster"] ?? [`${name}=http://localhost:2380`]);
    checkOwnUrls(name, initialCluster, given["initial-advertise-peer-urls"]);
    const bumpRevision = given["bump-revision"];
    if (bumpRevision < 0) throw new UsageError("--bump-revision: revisions never fall");
    if (bumpRevision > 0 !== (given["mark-compacted"] ?? false))
      throw new UsageError("--bump-revision and --mark-compacted go together: give both or neither");
    if (given["initial-memory-map-size"] !== undefined)
      io.stderr(
        "pintle store restore: --initial-memory-map-size has no meaning here: no file is mapped into memory\n",
      );
    const dataDir = resolve(given["data-dir"] ?? `${name}.etcd`);
    const walDir = given["wal-dir"] === undefined ? undefined : resolve(given["wal-dir"]);
    const plan = {
      snapshotPath: resolve(snapshotPath),
      skipHashCheck: given["skip-hash-check"] ?? false,
      dataDir,
      walDir,
      name,
      initialCluster,
      initialClusterToken: given["initial-cluster-token"],
      bumpRevision,
    };
    const found = await restoreSnapshot(plan, systemOs("warn", "text"));
    io.stdout(answerText({ dataDir, ...found }, given.output));
    return 0;
  },
});

function clusterOf(parts: readonly string[]): ReadonlyMap<string, readonly string[]> {
  try {
    return parseInitialCluster(parts);
  } catch (error) {
    throw new UsageError(`--initial-cluster: ${error instanceof Error ? error.message : error}`);
  }
}

/** As etcd has it: the member is one of the cluster, under the URLs that it advertises. */
function checkOwnUrls(
  name: string,
  cluster: ReadonlyMap<string, readonly string[]>,
  advertised: readonly string[],
): void {
  const own = cluster.get(name);
  if (own === undefined) throw new UsageError(`--initial-cluster: does not name the member "${name}"`);
  const said = [...advertised].sort().join(",");
  if ([...own].sort().join(",") !== said)
    throw new UsageError(
      `--initial-cluster has ${name} at ${own.join(",")}, --initial-advertise-peer-urls says ${said}; they must be the same`,
    );
}
