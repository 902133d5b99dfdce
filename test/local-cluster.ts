import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { giveInput } from "../base/os/give-input.ts";

/** A real cluster, started and stopped as a user would: `pintle up` in a folder of its own. */
export interface LocalCluster {
  readonly folder: string;
  readonly kubeconfig: string;
  /** Seconds until `up` said it is ready. */
  readonly readySeconds: number;
  /** By `up`, so far. */
  said(): string;
  kubectl(...args: string[]): Promise<string>;
  /** With this on standard input. */
  kubectlWith(input: string, ...args: string[]): Promise<string>;
  pintle(...args: string[]): Promise<string>;
  state(): ClusterFile;
  stop(): Promise<void>;
}

export interface ClusterFile {
  readonly plan: {
    readonly runtime: string;
    readonly ports: Readonly<Record<string, number>>;
    readonly networkSlot: number;
  };
  readonly components: readonly {
    readonly name: string;
    readonly kind: string;
    readonly pid: number | null;
    readonly restarts: number;
  }[];
}

export interface LocalClusterOptions {
  readonly replicas: number;
  readonly nodes: number;
  readonly runtime?: "auto" | "oci" | "process";
  /** Further flags of `pintle up`. */
  readonly flags?: readonly string[];
  /** Whose it is, with a home and a folder of its own; else this process'. Takes root. */
  readonly user?: number;
  /** The kubectl that talks to it; else the one called so. */
  readonly kubectl?: string;
}

const pintlePath = fileURLToPath(new URL("../bin/pintle", import.meta.url));

export async function startCluster(options: LocalClusterOptions): Promise<LocalCluster> {
  const folder = mkdtempSync(join(tmpdir(), "pintle-test-"));
  const startedMs = performance.now();
  if (options.user !== undefined) chownSync(folder, options.user, options.user);
  const [program = "", ...before] =
    options.user === undefined ? [process.execPath, pintlePath] : asUser(options.user);
  const own = options.user === undefined ? process.env : { PATH: process.env.PATH, HOME: folder };
  const up = spawn(
    program,
    [
      ...before,
      "up",
      `--replicas=${options.replicas}`,
      `--nodes=${options.nodes}`,
      `--data-dir=${folder}`,
      "--api-port=0",
      `--runtime=${options.runtime ?? "auto"}`,
      ...(options.flags ?? []),
    ],
    { stdio: ["ignore", "pipe", "pipe"], env: own },
  );
  let output = "";
  up.stderr.on("data", (data) => {
    output += data;
  });
  await new Promise<void>((resolve, reject) => {
    up.stdout.on("data", (data) => {
      output += data;
      if (/Pintle is ready.*\n/.test(output)) resolve();
    });
    up.once("exit", (code) => reject(new Error(`pintle up ended with status ${code}:\n${output}`)));
  });
  const readySeconds = (performance.now() - startedMs) / 1000;
  const kubeconfig = join(folder, "kubeconfig");
  const env = { ...process.env, KUBECONFIG: kubeconfig };
  const { kubectl = "kubectl" } = options;
  return {
    folder,
    kubeconfig,
    readySeconds,
    said: () => output,
    kubectl: (...args) => run(kubectl, args, env),
    kubectlWith: (input, ...args) => run(kubectl, args, env, input),
    pintle: (...args) =>
      run(program, [...before, ...args], { ...own, KUBECONFIG: kubeconfig, PINTLE_HOME: folder }),
    state: () => JSON.parse(readFileSync(join(folder, "cluster.json"), "utf8")) as ClusterFile,
    async stop() {
      await endProcess(up);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Runs Pintle as somebody else, who may read this folder here only: at a place that everybody reaches. */
function asUser(user: number): readonly string[] {
  const script = 'mount --bind "$1" /mnt && shift && exec setpriv "$@"';
  const root = dirname(dirname(pintlePath));
  const drop = [`--reuid=${user}`, `--regid=${user}`, "--clear-groups", "--"];
  const program = [process.execPath, "/mnt/bin/pintle"];
  return ["unshare", "--mount", "--", "sh", "-c", script, "sh", root, ...drop, ...program];
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
}

/** Runs a program to its end; its error carries what it said. */
export function run(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  input = "",
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      args,
      { env, timeout: 240_000, maxBuffer: 32 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else
          reject(
            Object.assign(new Error(`${program} ${args.join(" ")}: ${stderr}${stdout}`), {
              stdout,
              stderr,
              exitCode: error.code,
            }),
          );
      },
    );
    giveInput(child, input);
  });
}

/** Ends a hang, and measures nothing: a busy machine takes its time. */
const hangMs = 120_000;

/** Looks until it is so; fails with the last look's answer when that takes too long. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T>,
  isSo: (seen: T) => boolean,
): Promise<T> {
  const deadlineMs = performance.now() + hangMs;
  for (;;) {
    let last: unknown;
    try {
      const seen = await look();
      if (isSo(seen)) return seen;
      last = seen;
    } catch (error) {
      last = error instanceof Error ? error.message : error;
    }
    if (performance.now() > deadlineMs)
      throw new Error(
        `not so within ${hangMs / 1000} s: ${what}; last seen: ${typeof last === "string" ? last : JSON.stringify(last)}`,
      );
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export function isInstalled(program: string): boolean {
  try {
    execFileSync("sh", ["-c", `command -v ${program}`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Whether pods can be containers here. */
export const canContain =
  process.getuid?.() === 0 && isInstalled("crun") && isInstalled("ip") && isInstalled("nft");
