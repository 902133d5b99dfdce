import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "../../base/assert.ts";
import { freePorts } from "../../base/os/free-ports.ts";

export const prometheusMissing = ["prometheus", "promtool"].some(
  (tool) => spawnSync(tool, ["--version"]).status !== 0,
);

export interface Alert {
  readonly state: "pending" | "firing";
  readonly labels: Readonly<Record<string, string>>;
}

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

/** A Prometheus of Debian's on loopback that asks its targets several times a second. */
export class Prometheus {
  readonly #url: string;
  readonly #folder: string;
  readonly #process: ChildProcess;

  private constructor(parts: {
    readonly url: string;
    readonly folder: string;
    readonly process: ChildProcess;
  }) {
    this.#url = parts.url;
    this.#folder = parts.folder;
    this.#process = parts.process;
  }

  /** `targets`: addresses by job. Resolves when it answers. */
  static async start(targets: Readonly<Record<string, string>>, rulesFile: string): Promise<Prometheus> {
    return Prometheus.startWith({
      global: { scrape_interval: "250ms", scrape_timeout: "250ms", evaluation_interval: "250ms" },
      rule_files: [rulesFile],
      scrape_configs: Object.entries(targets).map(([job, address]) => ({
        job_name: job,
        scrape_timeout: "250ms",
        static_configs: [{ targets: [address] }],
      })),
    });
  }

  /** With this configuration. Resolves when it answers. */
  static async startWith(config: object): Promise<Prometheus> {
    const folder = await mkdtemp(join(tmpdir(), "pintle-prometheus-"));
    const [port] = await freePorts(1);
    const configFile = join(folder, "prometheus.json"); // which is YAML, too
    await writeFile(configFile, JSON.stringify(config));
    const address = `127.0.0.1:${must(port, "a port")}`;
    const child = spawn(
      "prometheus",
      [
        `--config.file=${configFile}`,
        `--storage.tsdb.path=${join(folder, "data")}`,
        `--web.listen-address=${address}`,
      ],
      { stdio: "ignore" },
    );
    const one = new Prometheus({ url: `http://${address}`, folder, process: child });
    await one.#untilReady();
    return one;
  }

  async alerts(): Promise<readonly Alert[]> {
    return (await this.#get<{ readonly alerts: readonly Alert[] }>("alerts")).alerts;
  }

  /** When each group of rules was evaluated last. */
  async evaluations(): Promise<readonly string[]> {
    const { groups } = await this.#get<{ readonly groups: readonly { readonly lastEvaluation: string }[] }>(
      "rules",
    );
    return groups.map(({ lastEvaluation }) => lastEvaluation);
  }

  /** What an expression gives now. */
  async query(expression: string): Promise<readonly Sample[]> {
    const path = `query?query=${encodeURIComponent(expression)}`;
    return (await this.#get<{ readonly result: readonly Sample[] }>(path)).result;
  }

  async stop(): Promise<void> {
    const gone = once(this.#process, "exit");
    if (this.#process.exitCode === null) {
      this.#process.kill("SIGTERM");
      await gone;
    }
    await rm(this.#folder, { recursive: true });
  }

  async #get<T>(path: string): Promise<T> {
    const answer = await fetch(`${this.#url}/api/v1/${path}`);
    const body = (await answer.json()) as {
      readonly status: string;
      readonly error?: string;
      readonly data: T;
    };
    if (body.status !== "success") throw new Error(`${path}: ${body.error}`);
    return body.data;
  }

  async #untilReady(): Promise<void> {
    while (this.#process.exitCode === null) {
      const answer = await fetch(`${this.#url}/-/ready`).catch(() => undefined);
      if (answer?.ok) return;
    }
    throw new Error(`prometheus ended with ${this.#process.exitCode}`);
  }
}
