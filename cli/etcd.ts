import { flagHelp, type Parsed, parseFlags, UsageError } from "../base/os/flags.ts";
import { createLog, describeError, type Log } from "../base/os/log.ts";
import { serverVersion, storeFileSections, storeFlags } from "../store/flags.ts";
import type { CommandIo } from "./command.ts";
import { processIo } from "./process-io.ts";

interface EtcdIo extends Pick<CommandIo, "stdout" | "stderr" | "env" | "signal"> {
  /** Loads the code of a member: whoever only asks for the version waits for none of it. */
  readonly loadMember: () => Promise<Pick<typeof import("./store.ts"), "runMember">>;
}

/** The store as a process that is started in place of etcd: its version lines, exit statuses and last words. */
export async function main(argv: readonly string[]): Promise<void> {
  const io = processIo(() => {
    throw new Error("a member of the store needs no cluster");
  });
  process.exitCode = await etcd(argv, { ...io, loadMember: () => import("./store.ts") });
  if (io.signal.aborted) endBySignal(io.signal.reason);
}

/** Answers the exit status: 2 for flags that cannot be read, 1 for what they say and for what goes wrong later. */
export async function etcd(argv: readonly string[], io: EtcdIo): Promise<number> {
  const log = createLog({ write: io.stderr }, "etcdmain");
  const [first] = argv;
  if (first === "gateway" || first === "grpc-proxy") {
    log.error("proxies are not part of this etcd", { command: first });
    return 1;
  }
  if (argv.some((word) => /^--?(h|help)$/.test(word))) {
    io.stdout(`Usage:\n\n  etcd [flags]\n    Start a member of the store.\n\n${flagHelp(storeFlags)}\n`);
    return 0;
  }
  let parsed: Parsed<typeof storeFlags>;
  try {
    parsed = parseFlags(storeFlags, argv, {
      env: io.env,
      envPrefix: "ETCD_",
      fileSections: storeFileSections,
    });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    io.stderr(`${error.message}\n  see "etcd --help"\n`);
    return 2;
  }
  if (parsed.flags.version) {
    io.stdout(versionLines());
    return 0;
  }
  return await start(parsed, argv, io, log);
}

async function start(
  parsed: Parsed<typeof storeFlags>,
  argv: readonly string[],
  io: EtcdIo,
  log: Log,
): Promise<number> {
  log.info("Running: ", { args: ["etcd", ...argv] });
  const [word] = parsed.words;
  if (word !== undefined) {
    log.warn("failed to verify flags", { error: `${JSON.stringify(word)} is not a valid flag` });
    return 1;
  }
  try {
    const { runMember } = await io.loadMember();
    return await runMember(parsed, io);
  } catch (error) {
    if (error instanceof UsageError) log.warn("failed to verify flags", { error: error.message });
    else log.error("failed to start etcd", { error: describeError(error) });
    return 1;
  }
}

const goArchitectures: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };

function versionLines(): string {
  const { arch, platform, version } = process;
  return [
    `etcd Version: ${serverVersion}`,
    "Git SHA: Not provided",
    `Node Version: ${version}`,
    `Node OS/Arch: ${platform}/${goArchitectures[arch] ?? arch}`,
    "",
  ].join("\n");
}

/** As etcd ends: by the signal that asked for it, so that whoever sent it sees that. The first process of a container cannot. */
function endBySignal(reason: unknown): void {
  const signal = reason instanceof Error ? reason.message : "SIGTERM";
  if (process.pid === 1) return;
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}
