import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { PassThrough, type Readable, type Writable } from "node:stream";
import { type ExecResult, execSyncBytesMost, RuntimeError, type Session } from "../seam.ts";
import { endOfChild } from "./child-end.ts";
import type { ExecPlan } from "./launcher.ts";
import { shimFile } from "./start-shim.ts";

const terminalPath = shimFile("terminal.pl");

/** A program with pipes for its streams. */
export function pipeSession(plan: ExecPlan, stdin: boolean): Session {
  const child = start(plan, stdin ? "pipe" : "ignore");
  return {
    stdin: child.stdin ?? undefined,
    stdout: child.stdout ?? new PassThrough().end(),
    stderr: child.stderr ?? new PassThrough().end(),
    resize: () => undefined,
    exited: exitOf(child, plan),
    kill: () => child.kill("SIGKILL"),
  };
}

/** A program on a terminal. */
export function terminalSession(plan: ExecPlan): Session {
  if (terminalPath === undefined) throw new RuntimeError("agent/runtime/shim/terminal.pl is missing");
  const child = spawn("perl", [terminalPath, plan.terminal ?? "own", ...plan.argv], {
    stdio: ["pipe", "pipe", "ignore", "pipe"],
    ...(plan.cwd !== undefined && { cwd: plan.cwd }),
  });
  const [stdin, stdout, , sizes] = child.stdio as unknown as [Writable, Readable, null, Writable];
  sizes.on("error", () => sizes.destroy()); // it ended: there is nothing to resize
  return {
    stdin,
    stdout,
    stderr: undefined,
    resize: (columns, rows) => sizes.write(`${Math.max(1, columns)} ${Math.max(1, rows)}\n`),
    exited: exitOf(child, plan),
    kill: () => child.kill("SIGKILL"),
  };
}

export async function execToEnd(
  plan: ExecPlan,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<ExecResult> {
  const child = start(plan, "ignore");
  const collect = (stream: ChildProcess["stdout"]) => {
    const kept: Buffer[] = [];
    let bytes = 0;
    stream?.on("data", (chunk: Buffer) => {
      if (bytes < execSyncBytesMost) kept.push(chunk.subarray(0, execSyncBytesMost - bytes));
      bytes += chunk.length;
    });
    return () => Buffer.concat(kept);
  };
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  let timedOut = false;
  const giveUp = () => {
    timedOut = true;
    child.kill("SIGKILL");
    child.stdout?.destroy();
    child.stderr?.destroy();
  };
  const timer = setTimeout(giveUp, timeoutMs);
  signal?.addEventListener("abort", giveUp, { once: true });
  if (signal?.aborted) giveUp();
  try {
    const exitCode = await exitOf(child, plan);
    return { exitCode, stdout: stdout(), stderr: stderr(), timedOut };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", giveUp);
  }
}

function start(plan: ExecPlan, stdin: "pipe" | "ignore"): ChildProcess {
  const [file = "", ...args] = plan.argv;
  return spawn(file, args, {
    stdio: [stdin, "pipe", "pipe"],
    ...(plan.cwd !== undefined && { cwd: plan.cwd }),
  });
}

async function exitOf(child: ChildProcess, plan: ExecPlan): Promise<number> {
  child.stdin?.on("error", () => child.stdin?.destroy()); // the command closed its input: the client's words are lost
  try {
    const { code, signal } = await endOfChild(child).catch((cause: unknown) => {
      throw new RuntimeError("cannot run the command", { cause });
    });
    return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  } finally {
    await plan.cleanup?.();
  }
}
