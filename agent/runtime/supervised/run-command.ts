import { spawn } from "node:child_process";
import { RuntimeError } from "../seam.ts";

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const outputBytesMost = 1024 * 1024;

/** Runs a program to its end. Rejects only when it cannot be started or outlives `timeoutMs`. */
export function runCommand(
  command: readonly string[],
  options: { readonly cwd?: string; readonly input?: string; readonly timeoutMs?: number } = {},
): Promise<CommandResult> {
  const [file = "", ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      timeout: options.timeoutMs ?? 30_000,
      killSignal: "SIGKILL",
      ...(options.cwd !== undefined && { cwd: options.cwd }),
    });
    const outputs = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const)
      child[name]?.setEncoding("utf8").on("data", (text: string) => {
        if (outputs[name].length < outputBytesMost) outputs[name] += text;
      });
    child.stdin?.end(options.input);
    child.once("error", (cause) => reject(new RuntimeError(`cannot run ${file}`, { cause })));
    child.once("close", (code, signal) => {
      if (code === null) reject(new RuntimeError(`${file} was killed by ${signal}`));
      else resolve({ code, ...outputs });
    });
  });
}

/** As `runCommand`, but a non-zero exit status rejects with the program's own words. */
export async function mustRun(
  command: readonly string[],
  options: Parameters<typeof runCommand>[1] = {},
): Promise<string> {
  const { code, stdout, stderr } = await runCommand(command, options);
  if (code === 0) return stdout;
  throw new RuntimeError(`${command[0]}: ${stderr.trim() || stdout.trim() || `exit status ${code}`}`);
}
