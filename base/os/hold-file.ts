import { spawn } from "node:child_process";
import { once } from "node:events";

/** Somebody else holds the file's lock. */
export class FileHeldError extends Error {
  override readonly name = "FileHeldError";
}

const heldStatus = 75;

/** Takes flock(2)'s exclusive lock of a file that exists, which Node itself cannot: a child of util-linux's `flock` has it until it
 *  is released, or this process ends, however it does. Answers how to release it; rejects with FileHeldError when another process
 *  has the lock. */
export async function holdFile(path: string): Promise<() => Promise<void>> {
  const args = ["--nonblock", "--conflict-exit-code", String(heldStatus), path, "cat"];
  const child = spawn("flock", args, { stdio: ["pipe", "pipe", "ignore"] });
  const ended = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? -1));
  });
  child.stdin.on("error", () => undefined); // it ended before it read; `ended` says why
  const release = async () => {
    child.stdin.end();
    await ended;
  };
  // What comes back was read by `cat`, which runs only once the lock is had.
  child.stdin.write("held\n");
  const outcome = await Promise.race([once(child.stdout, "data").then(() => "held"), ended]);
  if (outcome === "held") return release;
  if (outcome === heldStatus) throw new FileHeldError(`${path} is locked by another process`);
  throw new Error(`${path} cannot be locked: flock ended with status ${outcome}`);
}
