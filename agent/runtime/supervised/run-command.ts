import { spawn } from "node:child_process";
import { giveInput } from "../../../base/os/give-input.ts";
import { RuntimeError } from "../seam.ts";
import { endOfChild } from "./child-end.ts";

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const outputBytesMost = 1024 * 1024;
/** As long as the kubelet gives its runtime. The kernel may hold up whoever makes links while others take some down. */
const commandMs = 120_000;

export interface CommandOptions {
  readonly cwd?: string;
  readonly input?: string;
  readonly timeoutMs?: number;
  /** Kills the program, and rejects. */
  readonly signal?: AbortSignal;
  /** An open file that the program gets as its descriptor 3. */
  readonly descriptor?: number;
}

/** Runs a program to its end. Rejects only when it cannot be started or outlives `timeoutMs`. */
export async function runCommand(
  command: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const [file = "", ...args] = command;
  const child = spawn(file, args, {
    stdio: [
      options.input === undefined ? "ignore" : "pipe",
      "pipe",
      "pipe",
      ...(options.descriptor === undefined ? [] : [options.descriptor]),
    ],
    timeout: options.timeoutMs ?? commandMs,
    killSignal: "SIGKILL",
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    ...(options.signal !== undefined && { signal: options.signal }),
  });
  const outputs = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name]?.setEncoding("utf8").on("data", (text: string) => {
      if (outputs[name].length < outputBytesMost) outputs[name] += text;
    });
  giveInput(child, options.input);
  const { code, signal } = await endOfChild(child).catch((cause: unknown) => {
    throw new RuntimeError(`cannot run ${file}`, { cause });
  });
  if (code === null) throw new RuntimeError(`${file} was killed by ${signal}`);
  return { code, ...outputs };
}

/** As `runCommand`, but a non-zero exit status rejects with the program's own words. */
export async function mustRun(command: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await runCommand(command, options);
  if (code === 0) return stdout;
  throw new RuntimeError(`${command[0]}: ${stderr.trim() || stdout.trim() || `exit status ${code}`}`);
}
