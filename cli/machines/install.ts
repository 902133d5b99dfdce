import { execFile } from "node:child_process";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { agentConfig, agentFlags, nodeNameOf } from "../../agent/flags.ts";
import { hideToken, joinConfig, joinFlags } from "../../agent/identity/flags.ts";
import { becomeMember } from "../../agent/identity/join.ts";
import { type FlagTable, type FlagValues, parseFlags, UsageError } from "../../base/os/flags.ts";
import { type CommandIo, command, OperatorError } from "../command.ts";
import { systemOs } from "../run-component.ts";
import { serverFolder } from "../up/layout.ts";
import { isCommand } from "../up/plan.ts";
import { ownAddresses } from "./standalone.ts";
import { standaloneConfig, standaloneFlags } from "./standalone-flags.ts";
import { type UnitChoice, unitName, unitText } from "./units.ts";

export const unitFolder = "/etc/systemd/system";

const flags = {
  "dry-run": { kind: "boolean", default: false, help: "print the unit, and change nothing" },
  start: { kind: "boolean", default: true, help: "start it now, and at every boot" },
  ...joinFlags,
  ...standaloneFlags,
  "data-dir": {
    ...standaloneFlags["data-dir"],
    default: serverFolder,
    help: "where a server keeps everything",
  },
} as const satisfies FlagTable;

export const installCommand = command({
  name: "install",
  summary: "write a systemd unit for a server or an agent and start it; an agent joins its cluster first",
  usage: "server|agent [FLAGS] [-- FURTHER FLAGS OF pintle server|agent]",
  words: [["server", "agent"], "none"],
  flags,
  envPrefix: "PINTLE_",
  examples: [
    "pintle install server --advertise-address 10.0.0.1",
    "PINTLE_TOKEN=… pintle install agent --server https://10.0.0.1:6443 --discovery-token-ca-cert-hash sha256:…",
    "pintle install agent --server https://10.0.0.1:6443 --dry-run -- --node-labels disk=ssd --max-pods 50",
  ],
  async run({ flags: given, words, rest, given: names }, io) {
    hideToken(given, process);
    const [kind, ...more] = words;
    if ((kind !== "server" && kind !== "agent") || more.length > 0)
      throw new UsageError("install what? A server or an agent");
    const program = [process.execPath, ...process.execArgv, resolve(process.argv[1] ?? "pintle")];
    const own = kind === "server" ? serverWords(given, names) : agentWords(given, names, rest);
    const choice: UnitChoice = { kind, program, flags: [...own, ...rest] };
    const text = unitText(choice);
    if (given["dry-run"]) {
      io.stdout(`# ${join(unitFolder, unitName(kind))}\n${text}`);
      return 0;
    }
    if (process.getuid?.() !== 0)
      throw new OperatorError("be root: units are the machine's; --dry-run shows what would be written");
    if (!isCommand("systemctl"))
      throw new OperatorError("this machine has no systemd; --dry-run shows the unit");
    await verify(choice, text);
    if (kind === "agent") await joinFirst(given, rest, io);
    await installUnit(kind, text, { start: given.start, io });
    return 0;
  },
});

type Given = FlagValues<typeof flags>;

function serverWords(given: Given, names: ReadonlySet<string>): readonly string[] {
  for (const name of Object.keys(joinFlags))
    if (names.has(name)) throw new OperatorError(`--${name}: is an agent's; pintle install agent`);
  standaloneConfig(given, names, ownAddresses());
  return wordsOf(given, standaloneFlags, (name) => names.has(name) || name === "data-dir");
}

/** The token is needed once, here, and stands in no unit. */
function agentWords(given: Given, names: ReadonlySet<string>, rest: readonly string[]): readonly string[] {
  for (const name of Object.keys(standaloneFlags))
    if (names.has(name)) throw new OperatorError(`--${name}: is a server's; pintle install server`);
  if (given.server === undefined)
    throw new OperatorError("--server: which cluster? Name an API server's URL");
  const { flags: own } = parseFlags(agentFlags, rest);
  agentConfig(own);
  return wordsOf(given, joinFlags, (name) => name === "server" || name === "discovery-token-ca-cert-hash");
}

function wordsOf(given: Given, table: FlagTable, isWanted: (name: string) => boolean): readonly string[] {
  return Object.keys(table)
    .filter(isWanted)
    .flatMap((name) => {
      const value = given[name as keyof Given];
      const text = Array.isArray(value) ? value.join(",") : String(value ?? "");
      return text === "" ? [] : [`--${name}=${name === "data-dir" ? resolve(text) : text}`];
    });
}

async function joinFirst(given: Given, rest: readonly string[], io: CommandIo): Promise<void> {
  const { flags: own } = parseFlags(agentFlags, rest);
  const { server, token, "token-file": tokenFile, "discovery-token-ca-cert-hash": pins } = given;
  const asked = { ...own, server, token, "token-file": tokenFile, "discovery-token-ca-cert-hash": pins };
  const config = joinConfig(asked, nodeNameOf(own));
  if (config !== undefined) await becomeMember(config, systemOs("info", "text"), io.signal);
}

/** By systemd itself, where it has its tool. */
async function verify({ kind }: UnitChoice, text: string): Promise<void> {
  if (!isCommand("systemd-analyze")) return;
  const folder = await mkdtemp(join(tmpdir(), "pintle-unit-"));
  try {
    const path = join(folder, unitName(kind));
    await writeFile(path, text);
    await promisify(execFile)("systemd-analyze", ["verify", "--man=no", path]);
  } catch (error) {
    throw new OperatorError(
      `systemd does not take the unit: ${error instanceof Error ? error.message : error}`,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function installUnit(
  kind: UnitChoice["kind"],
  text: string,
  { start, io }: { readonly start: boolean; readonly io: CommandIo },
): Promise<void> {
  const path = join(unitFolder, unitName(kind));
  await writeFile(`${path}.new`, text, { mode: 0o644 });
  await rename(`${path}.new`, path);
  io.stdout(`wrote ${path}\n`);
  await systemctl("daemon-reload");
  if (!start) {
    io.stdout(`start it with: systemctl enable --now ${unitName(kind)}\n`);
    return;
  }
  await systemctl("enable", unitName(kind));
  await systemctl("restart", unitName(kind));
  io.stdout(`${unitName(kind)} runs; its log: journalctl -u ${unitName(kind)}\n`);
}

export async function systemctl(...words: readonly string[]): Promise<void> {
  try {
    await promisify(execFile)("systemctl", [...words]);
  } catch (error) {
    throw new OperatorError(
      `systemctl ${words.join(" ")}: ${error instanceof Error ? error.message.trim() : error}`,
    );
  }
}
