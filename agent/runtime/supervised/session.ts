import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { PassThrough, Writable } from "node:stream";
import { deferred } from "../../../base/deferred.ts";
import { type ExecResult, execSyncBytesMost, RuntimeError, type Session } from "../seam.ts";
import { endOfChild } from "./child-end.ts";
import type { ExecPlan } from "./launcher.ts";

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

/** A program on a terminal of its own, by node-pty or, where that is absent, script(1) (which cannot be resized). */
export async function terminalSession(plan: ExecPlan): Promise<Session> {
  const pty = await loadPty();
  if (pty === undefined) {
    const quoted = plan.argv.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
    const session = pipeSession({ ...plan, argv: ["script", "-qefc", quoted, "/dev/null"] }, true);
    return { ...session, stderr: undefined };
  }
  const [file = "", ...args] = plan.argv;
  const terminal = pty.spawn(file, args, {
    name: "xterm",
    cols: 80,
    rows: 24,
    encoding: null,
    ...(plan.cwd !== undefined && { cwd: plan.cwd }),
    env: plan.env ?? process.env,
  });
  const stdout = new PassThrough();
  const exited = deferred<number>();
  terminal.onData((data) => stdout.write(data));
  terminal.onExit(({ exitCode, signal }) => {
    stdout.end();
    exited.resolve(signal ? 128 + signal : exitCode);
  });
  const stdin = new Writable({
    write(chunk: Buffer, _encoding, done) {
      terminal.write(chunk);
      done();
    },
    final(done) {
      terminal.write(Buffer.from([4])); // end of transmission, as typing ^D
      done();
    },
  });
  return {
    stdin,
    stdout,
    stderr: undefined,
    resize: (columns, rows) => terminal.resize(Math.max(1, columns), Math.max(1, rows)),
    exited: exited.promise.finally(() => plan.cleanup?.()),
    kill: () => terminal.kill("SIGKILL"),
  };
}

/** The part of node-pty that we use. */
interface Pty {
  spawn(
    file: string,
    args: readonly string[],
    options: {
      name: string;
      cols: number;
      rows: number;
      encoding: null;
      cwd?: string;
      env: Readonly<Record<string, string | undefined>>;
    },
  ): {
    onData(listener: (data: string | Buffer) => void): void;
    onExit(listener: (end: { exitCode: number; signal?: number }) => void): void;
    write(data: Buffer): void;
    resize(columns: number, rows: number): void;
    kill(signal: string): void;
  };
}

async function loadPty(): Promise<Pty | undefined> {
  const name: string = "@lydell/node-pty"; // optional: resolved at run time only
  try {
    const loaded: { default?: Pty } & Partial<Pty> = await import(name);
    return loaded.default ?? (loaded.spawn === undefined ? undefined : { spawn: loaded.spawn });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND") return undefined;
    throw error;
  }
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
    ...(plan.env !== undefined && { env: { ...plan.env } }),
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
