import { type FSWatcher, watch } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { deferred } from "../../base/deferred.ts";
import { type Clock, sleep } from "../../base/os/clock.ts";
import { ifPresent } from "../../base/os/if-present.ts";
import { describeError, type Log } from "../../base/os/log.ts";
import type { Pod } from "../../client/types.ts";
import { type Manifest, type ManifestReader, readManifests } from "./manifest-files.ts";

/** Writers get this long after each change to be done with a file. */
const settleMs = 100;

export interface StaticPodsConfig {
  /** A file, or a folder of files. */
  readonly path: string;
  /** How often it is looked at although nothing is told of it. */
  readonly everyMs: number;
}

export interface StaticPodsDeps {
  readonly reader: ManifestReader;
  readonly setStatic: (pods: readonly Pod[]) => void;
  /** Told once of each file that cannot be taken, and each reason. */
  readonly onProblem: (file: string, problem: string) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** Has this node run what the files say. A pod whose file went ends; while its file says nothing that can be taken, it runs on as
 *  it was. */
export class StaticPods {
  readonly #config: StaticPodsConfig;
  readonly #deps: StaticPodsDeps;
  /** By file. */
  #pods = new Map<string, Pod>();
  #problems = new Map<string, string>();
  #watched: { readonly watcher: FSWatcher; readonly ino: number } | undefined;
  #stirred = deferred<void>();

  constructor(config: StaticPodsConfig, deps: StaticPodsDeps) {
    this.#config = config;
    this.#deps = deps;
  }

  /** Reads the files as they are now. */
  async read(): Promise<void> {
    const { path } = this.#config;
    const { reader, setStatic } = this.#deps;
    let manifests: readonly Manifest[];
    try {
      manifests = await readManifests(path, reader);
    } catch (error) {
      this.#tellProblems(new Map([[path, describeError(error)]]));
      return;
    }
    const pods = new Map<string, Pod>();
    const problems = new Map<string, string>();
    for (const manifest of manifests) {
      const { file } = manifest;
      const pod = "pod" in manifest ? manifest.pod : this.#pods.get(file);
      if (pod !== undefined) pods.set(file, pod);
      if ("problem" in manifest) problems.set(file, manifest.problem);
    }
    this.#tellProblems(problems);
    this.#pods = pods;
    setStatic([...pods.values()]);
  }

  /** Follows the files until the signal aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    try {
      while (!signal.aborted) {
        this.#stirred = deferred();
        await this.#watch();
        // Whatever happened before it was watched.
        await this.read();
        await this.#stirredWithin(this.#config.everyMs, signal);
        await sleep(clock, settleMs, signal);
      }
    } finally {
      this.#watched?.watcher.close();
    }
  }

  #tellProblems(problems: Map<string, string>): void {
    for (const [file, problem] of problems)
      if (this.#problems.get(file) !== problem) this.#deps.onProblem(file, problem);
    this.#problems = problems;
  }

  /** Of a file its folder is watched: one that takes its place is another. So is a folder that takes one's place. */
  async #watch(): Promise<void> {
    const { path } = this.#config;
    try {
      const isFolder = (await ifPresent(stat(path)))?.isDirectory() ?? false;
      const folder = isFolder ? path : dirname(path);
      const { ino } = await stat(folder);
      if (this.#watched?.ino === ino) return;
      this.#watched?.watcher.close();
      const watcher = watch(folder, (_, name) => {
        if (isFolder || name === basename(path)) this.#stirred.resolve();
      });
      watcher.on("error", () => watcher.close());
      watcher.on("close", () => {
        if (this.#watched?.watcher === watcher) this.#watched = undefined;
      });
      this.#watched = { watcher, ino };
    } catch (error) {
      // Whoever looks in turn says what is wrong with it.
      this.#deps.log.debug("cannot watch static pods' files; they are looked at in turn", { path, error });
    }
  }

  async #stirredWithin(ms: number, signal: AbortSignal): Promise<void> {
    const stirred = this.#stirred;
    const cancel = this.#deps.clock.after(ms, () => stirred.resolve());
    const stop = () => stirred.resolve();
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    await stirred.promise;
    cancel();
    signal.removeEventListener("abort", stop);
  }
}
