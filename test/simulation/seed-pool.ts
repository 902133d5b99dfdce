import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type SimOptions, swarmOptions } from "./options.ts";
import { reportOf, type SeedReport } from "./seed-report.ts";

export interface SeedRun {
  /** The next seed; undefined: no more. */
  readonly next: () => number | undefined;
  readonly given: Partial<SimOptions>;
  readonly told: (report: SeedReport) => void;
}

/** One seed after the other, in this process. */
export async function runHere({ next, given, told }: SeedRun): Promise<void> {
  for (let seed = next(); seed !== undefined; seed = next()) told(await reportOf(seed, given));
}

/** So many seeds at a time, each in a process that does one after the other. */
export async function runInProcesses(jobs: number, run: SeedRun): Promise<void> {
  const program = await bundled();
  await Promise.all(Array.from({ length: jobs }, () => runInOne(program, run)));
}

async function runInOne(program: string, { next, given, told }: SeedRun): Promise<void> {
  let worker: ChildProcess | undefined;
  for (let seed = next(); seed !== undefined; seed = next()) {
    worker ??= fork(program, { execArgv: ["--enable-source-maps"] });
    const report = await reportFrom(worker, seed, given);
    if (!worker.connected) worker = undefined;
    told(report);
  }
  worker?.disconnect();
}

function reportFrom(worker: ChildProcess, seed: number, given: Partial<SimOptions>): Promise<SeedReport> {
  return new Promise((resolve) => {
    const onReport = (report: unknown) => {
      worker.off("exit", onExit);
      resolve(report as SeedReport);
    };
    const onExit = (code: number | null, signal: string | null) => {
      worker.off("message", onReport);
      const broken = `no crash: its process ended (${signal ?? code})`;
      const options = swarmOptions(seed, given);
      resolve({ options, broken, lastEvents: [], events: 0, digest: "", figures: {} });
    };
    worker.once("message", onReport);
    worker.once("exit", onExit);
    worker.send({ seed, given });
  });
}

/** In one file, which runs faster than what is translated while it is loaded. It lies where it finds packages. */
async function bundled(): Promise<string> {
  const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
  const outfile = here(`../../node_modules/.cache/pintle-simulation/${process.pid}.mjs`);
  await build({
    entryPoints: [here("seed-worker.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
    sourcemap: "inline",
  });
  return outfile;
}
