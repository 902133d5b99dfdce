import { spawn } from "node:child_process";
import { once } from "node:events";

/** Somebody else holds the file's lock. */
export class FileHeldError extends Error {
  override readonly name = "FileHeldError";
}

const heldStatus = 75;

export interface HoldOptions {
  /** With others who share it; by default, alone. */
  readonly shared?: boolean;
  /** Waits for others to let go, until it is aborted; by default, nobody is waited for. */
  readonly wait?: AbortSignal;
}

/** Takes flock(2)'s lock of a file that exists, which Node itself cannot: a child of util-linux's `flock` has it until it is
 *  released, or this process ends, however it does. Answers how to release it; rejects with FileHeldError when somebody else has
 *  the lock. */
export async function holdFile(
  path: string,
  { shared, wait }: HoldOptions = {},
): Promise<() => Promise<void>> {
  wait?.throwIfAborted();
  const args = [
    ...(shared === true ? ["--shared"] : []),
    ...(wait === undefined ? ["--nonblock", "--conflict-exit-code", String(heldStatus)] : []),
    path,
    "cat",
  ];
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
  const giveUp = () => {
    child.kill("SIGKILL");
    child.stdin.end(); // for `cat`, had it begun
  };
  wait?.addEventListener("abort", giveUp, { once: true });
  // What comes back was read by `cat`, which runs only once the lock is had.
  child.stdin.write("held\n");
  const outcome = await Promise.race([once(child.stdout, "data").then(() => "held"), ended]).finally(() =>
    wait?.removeEventListener("abort", giveUp),
  );
  if (wait?.aborted) {
    if (outcome === "held") await release();
    throw wait.reason;
  }
  if (outcome === "held") return release;
  if (outcome === heldStatus) throw new FileHeldError(`${path} is locked by another process`);
  throw new Error(`${path} cannot be locked: flock ended with status ${outcome}`);
}
