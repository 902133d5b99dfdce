import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "../../base/assert.ts";
import { freePorts } from "../../base/os/free-ports.ts";

/** Members of an etcd-compatible store as child processes on loopback. */
export interface StoreProcesses {
  readonly endpoints: readonly string[];
  readonly folder: string;
  readonly peerUrls: readonly string[];
  /** kill -9, and waits until it is gone. */
  kill(member: number): Promise<void>;
  /** SIGTERM, and waits until it is gone. */
  terminate(member: number): Promise<void>;
  /** Starts a killed member on its own data and waits until it serves. */
  start(member: number): Promise<void>;
  /** Starts killed members as another program, each once its data is prepared. */
  replacedBy(command: readonly string[], prepare: (place: Place) => Promise<void>): Promise<void>;
  /** Starts a member that was added to the running cluster, on an empty data directory. */
  startAfresh(member: number): Promise<void>;
  /** The member stands still: its connections stay, it neither reads nor answers. */
  pause(member: number): void;
  resume(member: number): void;
  /** Whether the member was started and has not ended. */
  isRunning(member: number): boolean;
  /** Resolves with the exit status when the running member ends by itself. */
  exited(member: number): Promise<number>;
  /** Kills all and removes the data. */
  stop(): Promise<void>;
  /** What a member wrote to its log so far. */
  output(member: number): string;
}

export const etcdMissing = spawnSync("etcd", ["--version"]).status !== 0;

/** Ends a hang; a busy machine takes its time. */
const readyWithinMs = 180_000;
const etcdReadyLine = /ready to serve client requests|serving (insecure )?client requests on/;

/** A member before its first start. */
export interface Place {
  readonly name: string;
  readonly dataDir: string;
  readonly peerUrl: string;
  /** --initial-cluster */
  readonly cluster: string;
}

/** Where a member runs: the address it has there, and the command that runs what follows it there. */
export interface Host {
  readonly address: string;
  readonly enter: readonly string[];
}

const loopback: Host = { address: "127.0.0.1", enter: [] };

/** Starts `count` members of Debian's etcd, or of what `command` says, with etcd's flags. `prepare` may put data in place. */
export async function startStoreProcesses(
  count: number,
  command: readonly string[] = ["etcd"],
  extraFlags: readonly string[] = [],
  prepare?: (place: Place) => Promise<void>,
  hostOf: (member: number) => Host = () => loopback,
): Promise<StoreProcesses> {
  const folder = await mkdtemp(join(tmpdir(), "pintle-store-"));
  const ports = await freePorts(count * 2);
  const url = (at: number) =>
    `http://${hostOf(Math.floor(at / 2)).address}:${must(ports[at], "a port per listener")}`;
  const names = Array.from({ length: count }, (_, at) => `m${at}`);
  const cluster = names.map((name, at) => `${name}=${url(at * 2 + 1)}`).join(",");
  const running: (ChildProcess | undefined)[] = names.map(() => undefined);
  const outputs = names.map(() => "");
  let program = command;
  const argv = (at: number, state: "new" | "existing") => [
    ...hostOf(at).enter,
    ...program,
    `--name=m${at}`,
    `--data-dir=${join(folder, `m${at}`)}`,
    `--listen-client-urls=${url(at * 2)}`,
    `--advertise-client-urls=${url(at * 2)}`,
    `--listen-peer-urls=${url(at * 2 + 1)}`,
    `--initial-advertise-peer-urls=${url(at * 2 + 1)}`,
    `--initial-cluster=${cluster}`,
    `--initial-cluster-state=${state}`,
    ...extraFlags,
  ];
  const start = (at: number, state: "new" | "existing" = "new"): Promise<void> =>
    new Promise((resolve, reject) => {
      const [file = "", ...args] = argv(at, state);
      const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"] });
      running[at] = child;
      const from = outputs[at]?.length ?? 0;
      const timer = setTimeout(
        () => reject(new Error(`member ${at} is not ready after ${readyWithinMs} ms:\n${outputs[at]}`)),
        readyWithinMs,
      );
      const onData = (chunk: Buffer) => {
        outputs[at] += chunk.toString();
        if (etcdReadyLine.test((outputs[at] ?? "").slice(from))) settle();
      };
      const settle = (error?: Error) => {
        clearTimeout(timer);
        if (error) reject(error);
        else resolve();
      };
      child.stdout?.on("data", onData);
      child.stderr?.on("data", onData);
      child.on("error", settle);
      // Not "exit": what it said last may come later than that.
      child.on("close", (code, signal) =>
        settle(new Error(`member ${at} ended (${signal ?? code}):\n${outputs[at]}`)),
      );
    });
  const end = async (at: number, signal: "SIGKILL" | "SIGTERM") => {
    const child = running[at];
    running[at] = undefined;
    if (child === undefined || isOver(child)) return;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  };
  const kill = (at: number) => end(at, "SIGKILL");
  const signal = (at: number, name: NodeJS.Signals) => void must(running[at], "a running member").kill(name);
  const stop = async () => {
    await Promise.all(names.map((_, at) => kill(at)));
    await rm(folder, { recursive: true, force: true });
  };
  const startAll = async (prepareOne: typeof prepare) => {
    for (const [at, name] of names.entries())
      await prepareOne?.({ name, dataDir: join(folder, name), peerUrl: url(at * 2 + 1), cluster });
    await Promise.all(names.map((_, at) => start(at)));
  };
  try {
    await startAll(prepare);
  } catch (error) {
    await stop();
    throw error;
  }
  const startAfresh = async (at: number) => {
    const dataDir = join(folder, `m${at}`); // which may be a file system of its own
    for (const name of await readdir(dataDir)) await rm(join(dataDir, name), { recursive: true });
    await start(at, "existing");
  };
  const isOver = ({ exitCode, signalCode }: ChildProcess) => exitCode !== null || signalCode !== null;
  const isRunning = (at: number): boolean => {
    const child = running[at];
    return child !== undefined && !isOver(child);
  };
  const exited = async (at: number): Promise<number> => {
    const child = must(running[at], "a running member");
    if (!isOver(child) || !child.stdout?.closed || !child.stderr?.closed) await once(child, "close");
    return child.exitCode ?? -1;
  };
  const peerUrls = names.map((_, at) => url(at * 2 + 1));
  const endpoints = names.map((_, at) => url(at * 2));
  return {
    endpoints,
    peerUrls,
    folder,
    kill,
    terminate: (at) => end(at, "SIGTERM"),
    start,
    replacedBy: async (next, prepareOne) => {
      program = next;
      await startAll(prepareOne);
    },
    startAfresh,
    pause: (at) => signal(at, "SIGSTOP"),
    resume: (at) => signal(at, "SIGCONT"),
    isRunning,
    exited,
    stop,
    output: (at) => outputs[at] ?? "",
  };
}
