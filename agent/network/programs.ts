import { execFile } from "node:child_process";
import { giveInput } from "../../base/os/give-input.ts";

/** Runs a system program to its end. Rejects with what it said on stderr. */
export function runProgram(program: string, args: readonly string[], input = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, { maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else if ("code" in error && error.code === "ENOENT")
        reject(new Error(`${program} is not installed`, { cause: error }));
      else reject(new Error(`${program} ${args.join(" ")}: ${stderr.trim() || error.message}`));
    });
    giveInput(child, input);
  });
}

/** Several `ip` commands in one process, in the network namespace of that path or, without one, in ours. */
export function ipBatch(lines: readonly string[], netnsPath?: string): Promise<string> {
  const enter = netnsPath === undefined ? [] : [`--net=${netnsPath}`, "--", "ip"];
  return runProgram(
    netnsPath === undefined ? "ip" : "nsenter",
    [...enter, "-batch", "-"],
    `${lines.join("\n")}\n`,
  );
}

/** A link that is gone is what was wanted: with its namespace, it may go between the look-up of its name and its deletion. */
export async function removeLink(name: string): Promise<void> {
  try {
    await runProgram("ip", ["link", "delete", name]);
  } catch (error) {
    if (!(error instanceof Error && /Cannot find device|No such device/.test(error.message))) throw error;
  }
}

export async function hasProgram(name: string): Promise<boolean> {
  try {
    await runProgram("sh", ["-c", 'command -v "$1"', "sh", name]);
    return true;
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  }
}
