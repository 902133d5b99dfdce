import { resolve } from "node:path";
import { systemDisk } from "../../base/os/disk.ts";
import { UsageError } from "../../base/os/flags.ts";
import { checkDataDir, type Finding } from "../../store/offline/check.ts";
import { command } from "../command.ts";
import { noWords, outputFlag } from "./formats.ts";

const flags = {
  "data-dir": { kind: "string", value: "DIR", help: "the stopped member's data directory" },
  "wal-dir": { kind: "string", value: "DIR", help: "its log, where it lies elsewhere" },
  output: outputFlag,
} as const;

export const checkCommand = command<typeof flags>({
  name: "store check",
  summary: "verify everything that a stopped member has on disk",
  usage: "--data-dir DIR",
  flags,
  examples: [
    "pintle store check --data-dir /var/lib/pintle",
    "pintle store check --data-dir /var/lib/pintle -o json",
  ],
  async run({ flags: given, words }, io) {
    noWords(words);
    const dataDir = given["data-dir"];
    if (dataDir === undefined) throw new UsageError("--data-dir: whose files?");
    const walDir = given["wal-dir"];
    const place = { dataDir: resolve(dataDir), walDir: walDir === undefined ? undefined : resolve(walDir) };
    const findings = await checkDataDir(place, systemDisk);
    const ok = findings.every((finding) => finding.ok);
    io.stdout(
      given.output === "json" ? `${JSON.stringify({ ok, findings })}\n` : findings.map(shown).join(""),
    );
    return ok ? 0 : 1;
  },
});

function shown({ what, ok, lines }: Finding): string {
  const [first = "", ...more] = lines;
  const head = `${ok ? "ok " : "BAD"}  ${what.padEnd(17)}`;
  return [`${head}${first}\n`, ...more.map((line) => `${" ".repeat(head.length)}${line}\n`)].join("");
}
