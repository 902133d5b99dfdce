import { resolve } from "node:path";
import { readOnlyDisk } from "../../base/os/disk.ts";
import { snapshotStatus } from "../../store/offline/snapshot-status.ts";
import { command } from "../command.ts";
import { answerText, onlyWord, outputFlag } from "./formats.ts";

const flags = { output: outputFlag } as const;

export const snapshotStatusCommand = command<typeof flags>({
  name: "store snapshot status",
  summary: "check a snapshot, of this store or of etcd, and say what is in it",
  usage: "FILE",
  words: ["file", "none"],
  flags,
  examples: ["pintle store snapshot status backup.db", "pintle store snapshot status backup.db -o json"],
  async run({ flags: given, words }, io) {
    const status = await snapshotStatus(resolve(onlyWord(words, "snapshot file")), readOnlyDisk);
    io.stdout(answerText({ ...status }, given.output));
    return 0;
  },
});
