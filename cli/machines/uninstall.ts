import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "../../base/os/flags.ts";
import { ifPresent } from "../../base/os/if-present.ts";
import { command, OperatorError } from "../command.ts";
import { systemctl, unitFolder } from "./install.ts";
import { unitName } from "./units.ts";

const flags = {
  "dry-run": { kind: "boolean", default: false, help: "say what would be done, and change nothing" },
} as const;

export const uninstallCommand = command({
  name: "uninstall",
  summary: "stop what pintle install started and remove its unit; data stays",
  usage: "server|agent",
  words: [["server", "agent"], "none"],
  flags,
  examples: ["pintle uninstall agent            # after pintle node remove NAME, on a server"],
  async run({ flags: given, words }, io) {
    const [kind, ...more] = words;
    if ((kind !== "server" && kind !== "agent") || more.length > 0)
      throw new UsageError("uninstall what? A server or an agent");
    const path = join(unitFolder, unitName(kind));
    if ((await ifPresent(stat(path))) === undefined) throw new OperatorError(`${path} is not there`);
    if (given["dry-run"]) {
      io.stdout(`would stop ${unitName(kind)} and remove ${path}\n`);
      return 0;
    }
    if (process.getuid?.() !== 0) throw new OperatorError("be root: units are the machine's");
    await systemctl("disable", "--now", unitName(kind));
    await rm(path, { force: true });
    await systemctl("daemon-reload");
    const data = kind === "server" ? "/var/lib/pintle/server" : "/var/lib/pintle/agent";
    io.stdout(`removed ${path}; what it kept stays, by default in ${data}\n`);
    return 0;
  },
});
