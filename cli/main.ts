import { isNearly } from "../base/edit-distance.ts";
import { parseFlags, UsageError } from "../base/os/flags.ts";
import { describeError } from "../base/os/log.ts";
import { loadKubeconfig } from "../client/kubeconfig.ts";
import { RestClient } from "../client/rest.ts";
import { type ClusterChoice, type CommandIo, OperatorError } from "./command.ts";
import { findRow, rowsBelow, rowsOf } from "./command-table.ts";
import { commandHelp, groupHelp, overview } from "./help.ts";
import { processIo } from "./process-io.ts";
import { kubectlPlugin, type Program, pintle } from "./program.ts";

/** The whole command line program; sets the exit status. */
export async function main(argv: readonly string[]): Promise<void> {
  await runAs(pintle, argv);
}

/** The same as kubectl's plugin, `kubectl pintle`. */
export async function mainOfPlugin(argv: readonly string[]): Promise<void> {
  await runAs(kubectlPlugin, argv);
}

async function runAs(program: Program, argv: readonly string[]): Promise<void> {
  const client = ({ kubeconfig, context }: ClusterChoice = {}) =>
    new RestClient(loadKubeconfig(kubeconfig ?? program.kubeconfig(process.env), { context }), {
      userAgent: "pintle",
    });
  process.exitCode = await run(program, argv, processIo(client));
}

/** Runs one command; answers the exit status. */
export async function run(program: Program, argv: readonly string[], io: CommandIo): Promise<number> {
  const [first, ...after] = argv;
  if (first === "__complete") {
    const { answerShell } = await import("./completion/answer.ts");
    return answerShell(program, after, io);
  }
  if (first === "help" && after.length > 0) return run(program, [...after, "--help"], io);
  if (first === undefined || first === "help" || first === "--help" || first === "-h") {
    (first === undefined ? io.stderr : io.stdout)(overview(program));
    return first === undefined ? 2 : 0;
  }
  const found = findRow(program.groups, argv);
  if (found === undefined) return unknownCommand(program, argv, io);
  const { name } = found;
  const rest = argv.slice(name.split(" ").length);
  try {
    const command = await found.load();
    const separator = rest.indexOf("--");
    if (
      rest.slice(0, separator < 0 ? undefined : separator).some((word) => word === "--help" || word === "-h")
    ) {
      io.stdout(commandHelp(program, command));
      return 0;
    }
    const sources = {
      env: io.env,
      ...(command.envPrefix === undefined ? {} : { envPrefix: command.envPrefix }),
      ...(command.fileSections && { fileSections: command.fileSections }),
    };
    return await command.run(parseFlags(command.flags, rest, sources), io);
  } catch (error) {
    return report(`${program.name} ${name}`, error, io);
  }
}

/** Says which commands there are of such a name, or which one may have been meant. */
function unknownCommand(program: Program, argv: readonly string[], io: CommandIo): number {
  const { name, groups } = program;
  const words = argv.slice(0, Math.max(0, argv.findIndex((word) => word.startsWith("-")) + 1) || undefined);
  const [first = ""] = words;
  const below = rowsBelow(groups, [first]);
  if (below.length > 0) {
    const asked = words[1] === "--help" || words[1] === "-h";
    if (asked) io.stdout(`${name} ${first}: its commands are\n\n${groupHelp(program, below)}`);
    else {
      const what = words[1] === undefined ? "which one?" : `unknown command ${JSON.stringify(words[1])}`;
      io.stderr(`${name} ${first}: ${what} There are\n\n${groupHelp(program, below)}`);
    }
    return asked ? 0 : 2;
  }
  if (program === kubectlPlugin && findRow(pintle.groups, argv) !== undefined) {
    io.stderr(`${name}: "${first}" is about this machine, not about a cluster: pintle ${argv.join(" ")}\n`);
    return 2;
  }
  const near = rowsOf(groups).find((row) => isNearly(row.name.split(" ")[0] ?? "", first))?.name;
  const meant = near === undefined ? "" : `; did you mean "${name} ${near}"?`;
  io.stderr(`${name}: unknown command ${JSON.stringify(first)}${meant}\n  see "${name} help"\n`);
  return 2;
}

function report(called: string, error: unknown, io: CommandIo): number {
  if (error instanceof Error && "code" in error && error.code === "ENOSPC") {
    const where = "path" in error ? ` (${error.path})` : "";
    io.stderr(
      `${called}: the disk is full${where}; free some space, or choose a folder on another disk with --data-dir\n`,
    );
    return 1;
  }
  if (error instanceof UsageError) {
    io.stderr(`${called}: ${error.message}\n  see "${called} --help"\n`);
    return 2;
  }
  if (error instanceof OperatorError || (error instanceof Error && "operator" in error)) {
    io.stderr(`${called}: ${describeError(error)}\n`);
    return 1;
  }
  io.stderr(
    `${called}: ${error instanceof Error ? (io.env.PINTLE_DEBUG ? error.stack : describeError(error)) : error}\n`,
  );
  return 1;
}
