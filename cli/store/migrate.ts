import { resolve } from "node:path";
import { UsageError } from "../../base/os/flags.ts";
import { migrateEtcd } from "../../store/offline/migrate.ts";
import { command } from "../command.ts";
import { systemOs } from "../run-component.ts";
import { answerText, onlyWord, outputFlag } from "./formats.ts";

const flags = {
  "data-dir": { kind: "string", value: "DIR", help: "the directory to make" },
  "wal-dir": {
    kind: "string",
    value: "DIR",
    help: "where the write-ahead log goes, when not into the data directory",
  },
  "etcd-wal-dir": { kind: "string", value: "DIR", help: "etcd's --wal-dir, where it had one" },
  output: outputFlag,
} as const;

export const migrateCommand = command<typeof flags>({
  name: "store migrate",
  summary: "make a member's data directory of a stopped etcd's (3.4 to 3.7); that one stays as it is",
  usage: "ETCD_DATA_DIR --data-dir DIR",
  words: ["file", "none"],
  flags,
  examples: [
    "systemctl stop etcd && pintle store migrate /var/lib/etcd --data-dir /var/lib/pintle",
    "pintle store migrate /var/lib/etcd --etcd-wal-dir /ssd/etcd-wal --data-dir /var/lib/pintle --wal-dir /ssd/pintle-wal",
  ],
  async run({ flags: given, words }, io) {
    const from = {
      dataDir: resolve(onlyWord(words, "data directory of etcd")),
      walDir: pathOf(given["etcd-wal-dir"]),
    };
    const dataDir = pathOf(given["data-dir"]);
    if (dataDir === undefined) throw new UsageError("--data-dir: which directory shall be made?");
    const to = { dataDir, walDir: pathOf(given["wal-dir"]) };
    const { memberId, clusterId, ...found } = await migrateEtcd(from, to, systemOs("warn", "text"));
    const ids = { memberId: memberId.toString(16), clusterId: clusterId.toString(16) };
    io.stdout(answerText({ dataDir, ...ids, ...found }, given.output));
    return 0;
  },
});

function pathOf(given: string | undefined): string | undefined {
  return given === undefined ? undefined : resolve(given);
}
