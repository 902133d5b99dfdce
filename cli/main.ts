import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { isNearly } from "../base/edit-distance.ts";
import { parseFlags } from "../base/os/flags.ts";
import { describeError } from "../base/os/log.ts";
import { loadKubeconfig } from "../client/kubeconfig.ts";
import { RestClient } from "../client/rest.ts";
import { type ClusterChoice, type CommandIo, OperatorError } from "./command.ts";
import { findRow, type Row, rowsBelow, rowsOf } from "./command-table.ts";
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
  const client = ({ kubeconfig, context }: ClusterChoice = {}) => {
    const file = kubeconfig ?? program.kubeconfig(process.env);
    if (file === undefined && !process.env.KUBECONFIG && !existsSync(defaultKubeconfig))
      throw new OperatorError(
        `which cluster? There is neither $KUBECONFIG nor ${defaultKubeconfig}. Start one with "pintle up", or name a kubeconfig with --kubeconfig`,
      );
    return new RestClient(loadKubeconfig(file, { context }), { userAgent: "pintle" });
  };
  process.exitCode = await run(program, argv, processIo(client));
}

const defaultKubeconfig = join(homedir(), ".kube/config");

/** Runs one command; answers the exit status. */
export async function run(program: Program, argv: readonly string[], io: CommandIo): Promise<number> {
  const [first, ...after] = argv;
  if (first === "__complete") {
    const { answerShell } = await import("./completion/answer.ts");
    return answerShell(program, after, io);
  }
  if (first === "__nodes") {
    const { keepNodes } = await import("./real-nodes/keep-nodes.ts");
    return keepNodes(io);
  }
  if (first === "help" && after.length > 0) return run(program, [...after, "--help"], io);
  if (first === undefined || first === "help" || first === "--help" || first === "-h") {
    (first === undefined ? io.stderr : io.stdout)(overview(program));
    return first === undefined ? 2 : 0;
  }
  if (first === "--version") return run(program, ["version", ...after], io);
  const found = findRow(program.groups, argv);
  const rest = argv.slice(found?.name.split(" ").length);
  if (found === undefined || meansLonger(program, found, rest)) return unknownCommand(program, argv, io);
  const { name } = found;
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

/** `pintle store snapshot` is a command that goes on, not the command `store` with a word that it does not take. */
const meansLonger = ({ groups }: Program, { name }: Row, [next]: readonly string[]): boolean =>
  next !== undefined && !next.startsWith("-") && rowsBelow(groups, name.split(" ")).length > 0;

/** Says which commands there are of such a name, or which one may have been meant. */
function unknownCommand(program: Program, argv: readonly string[], io: CommandIo): number {
  const { name, groups } = program;
  const [first = ""] = argv;
  const known = argv.findIndex((_, at) => rowsBelow(groups, argv.slice(0, at + 1)).length === 0);
  const shared = argv.slice(0, known < 0 ? undefined : known);
  const below = rowsBelow(groups, shared);
  if (shared.length > 0) {
    const next = argv[shared.length];
    const asked = next === "--help" || next === "-h";
    const what =
      next === undefined || asked ? "there are" : `unknown command ${JSON.stringify(next)}; there are`;
    (asked ? io.stdout : io.stderr)(`${name} ${shared.join(" ")}: ${what}\n\n${groupHelp(program, below)}`);
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
  if (error instanceof Error && error.name === "UsageError") {
    io.stderr(`${called}: ${error.message}\n  see "${called} --help"\n`);
    return 2;
  }
  if (error instanceof OperatorError || (error instanceof Error && "operator" in error)) {
    io.stderr(`${called}: ${describeError(error)}\n`);
    return 1;
  }
  if (error instanceof Error && error.name === "ConnectionError") {
    io.stderr(
      `${called}: ${describeError(error)}\n  does the cluster run? "pintle status" tells of one on this machine\n`,
    );
    return 1;
  }
  io.stderr(
    `${called}: ${error instanceof Error ? (io.env.PINTLE_DEBUG ? error.stack : describeError(error)) : error}\n`,
  );
  return 1;
}
