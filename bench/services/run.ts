import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { flagHelp, parseFlags, UsageError } from "../../base/os/flags.ts";
import { asCommand } from "../as-command.ts";

const benchedModes: readonly string[] = ["nftables", "iptables"];
const flags = {
  services: { kind: "integer", default: 5_000, help: "Services" },
  endpoints: { kind: "integer", default: 10, help: "endpoints of each" },
  "proxy-mode": { kind: "string", default: "nftables", help: benchedModes.join(" or "), value: "MODE" },
  changes: { kind: "integer", default: 31, help: "changes that are measured, one after the other" },
  way: { kind: "string", default: "netlink", help: "how changes get into the kernel: netlink or nft" },
  help: { kind: "boolean", default: false, short: "h", help: "show this" },
} as const;

async function main(argv: readonly string[]): Promise<void> {
  const { flags: given } = parseFlags(flags, argv);
  if (given.help) {
    process.stdout.write(`npm run bench:services -- [flags]\n${flagHelp(flags)}\n`);
    return;
  }
  if (given.services < 1 || given.services > 65_536) throw new UsageError("--services: must be 1 to 65536");
  if (given.endpoints < 2 || given.services * given.endpoints > 1 << 20)
    throw new UsageError("--endpoints: must be 2 or more, and a million of all Services at most");
  if (given.way !== "netlink" && given.way !== "nft") throw new UsageError("--way: must be netlink or nft");
  if (!benchedModes.includes(given["proxy-mode"]))
    throw new UsageError(`--proxy-mode: must be ${benchedModes.join(" or ")}`);
  const script = fileURLToPath(new URL("./measure.ts", import.meta.url));
  const counts = [given.services, given.endpoints, given.changes, given.way, given["proxy-mode"]].map(String);
  const child = spawn("unshare", ["--net", process.execPath, "--import", "tsx", script, ...counts], {
    stdio: "inherit",
  });
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`measuring ended with ${code}`);
}

await asCommand(main);
