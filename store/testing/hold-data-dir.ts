import { systemDisk } from "../../base/os/disk.ts";
import { lockDataDir } from "../lock-data-dir.ts";

/** A process of its own that takes a data directory, says so, and keeps it until its input ends. */
await lockDataDir(process.argv[2] ?? "", systemDisk).then(
  () => {
    console.log("held");
    process.stdin.once("end", () => process.exit(0)).resume();
  },
  (error: unknown) => {
    console.log(error instanceof Error ? error.message : error);
  },
);
