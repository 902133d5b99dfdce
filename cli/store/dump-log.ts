import { join, resolve } from "node:path";
import { readOnlyDisk } from "../../base/os/disk.ts";
import { UsageError } from "../../base/os/flags.ts";
import { type DumpedRecord, dumpLog } from "../../store/offline/dump-log.ts";
import { command } from "../command.ts";
import { noWords } from "./formats.ts";

const flags = {
  "data-dir": { kind: "string", value: "DIR", help: "a member's data directory, of this store or of etcd" },
  "wal-dir": { kind: "string", value: "DIR", help: "its log, where it lies elsewhere" },
  "start-index": { kind: "integer", default: 0, value: "INDEX", help: "leave out entries before this one" },
  json: { kind: "boolean", help: "a JSON document a line" },
} as const;

export const dumpLogCommand = command<typeof flags>({
  name: "store dump-log",
  summary: "show what is in a member's write-ahead log",
  usage: "--data-dir DIR",
  flags,
  examples: [
    "pintle store dump-log --data-dir /var/lib/pintle --start-index 1000",
    "pintle store dump-log --data-dir /var/lib/etcd --json | jq 'select(.content.request.put)'",
  ],
  async run({ flags: given, words }, io) {
    noWords(words);
    const { "data-dir": dataDir, "wal-dir": walDir } = given;
    if (dataDir === undefined && walDir === undefined) throw new UsageError("--data-dir: whose log?");
    const folder = resolve(walDir ?? join(dataDir ?? "", "member", "wal"));
    if (!(await readOnlyDisk.exists(folder))) throw new UsageError(`${folder} is missing: that is no log`);
    for await (const record of dumpLog(folder, readOnlyDisk)) {
      if (isBefore(record, given["start-index"])) continue;
      io.stdout(given.json ? `${JSON.stringify(record)}\n` : line(record));
      if (io.signal.aborted) return 1;
    }
    return 0;
  },
});

function isBefore({ type, content }: DumpedRecord, index: number): boolean {
  if (type !== "entry" || typeof content !== "object" || content === null || !("index" in content))
    return false;
  return Number(content.index) < index;
}

function line({ segment, offset, type, content }: DumpedRecord): string {
  return `${segment}:${offset}\t${type}\t${JSON.stringify(content)}\n`;
}
