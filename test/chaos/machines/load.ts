import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { resources } from "../../../client/resources.ts";
import type { RestClient } from "../../../client/rest.ts";

/** One thing that was asked for. */
export interface Outcome {
  readonly atMs: number;
  readonly tookMs: number;
  /** What was answered; undefined where nothing was. */
  readonly answer: string | undefined;
  readonly problem?: string;
}

const requestEveryMs = 40;
/** What is answered so late was held up, not lost. */
const answerMs = 20_000;

/** Requests to a Service, each by a connection of its own, at an even pace whatever becomes of those before. */
export class Requests {
  readonly outcomes: Outcome[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(socketPath: string) {
    this.#timer = setInterval(() => this.#ask(socketPath), requestEveryMs);
  }

  /** Those of which something became that were begun since then, and not answered. */
  failedSince(atMs: number): readonly Outcome[] {
    return this.outcomes.filter((one) => one.atMs >= atMs && one.answer === undefined);
  }

  /** Whether the last so many were answered. */
  areAnswered(count: number): boolean {
    const last = this.outcomes.slice(-count);
    return last.length === count && last.every(({ answer }) => answer !== undefined);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #ask(socketPath: string): void {
    const atMs = performance.now();
    let isTold = false;
    const tell = (answer: string | undefined, problem?: string) => {
      if (isTold) return;
      isTold = true;
      const tookMs = performance.now() - atMs;
      this.outcomes.push({ atMs, tookMs, answer, ...(problem !== undefined && { problem }) });
    };
    const asked = request({ socketPath, path: "/", agent: false, timeout: answerMs }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (piece) => {
        text += piece;
      });
      answer.on("end", () => {
        if (answer.statusCode === 200) tell(text);
        else tell(undefined, `status ${answer.statusCode}`);
      });
      answer.on("error", (error) => tell(undefined, error.message));
    });
    asked.on("timeout", () => asked.destroy(new Error(`no answer within ${answerMs} ms`)));
    asked.on("error", (error) => tell(undefined, error.message));
    asked.end();
  }
}

const name = "written";

/** Writes to one object, each after the one before. */
export class Writes {
  readonly outcomes: Outcome[] = [];
  readonly #client: RestClient;
  readonly #over = new AbortController();
  readonly #done: Promise<void>;

  private constructor(client: RestClient) {
    this.#client = client;
    this.#done = this.#go();
  }

  static async start(client: RestClient): Promise<Writes> {
    await client.create(resources.configmaps, { metadata: { name, namespace: "default" }, data: {} });
    return new Writes(client);
  }

  async #go(): Promise<void> {
    for (let count = 1; !this.#over.signal.aborted; count++) {
      const atMs = performance.now();
      const outcome = await this.#client
        .patch(
          resources.configmaps,
          { namespace: "default", name },
          { data: { count: String(count) } },
          { type: "merge" },
        )
        .then(
          ({ data }) => ({ answer: data?.count }),
          (error: Error) => ({ answer: undefined, problem: error.message }),
        );
      this.outcomes.push({ atMs, tookMs: performance.now() - atMs, ...outcome });
      await sleep(50, undefined, { signal: this.#over.signal }).catch(() => undefined);
    }
  }

  get problems(): readonly string[] {
    return this.outcomes.flatMap(({ problem }) => problem ?? []);
  }

  get longestMs(): number {
    return Math.max(0, ...this.outcomes.map(({ tookMs }) => tookMs));
  }

  /** Ends them; answers whether the last one that was acknowledged is what stands. */
  async stop(): Promise<boolean> {
    this.#over.abort();
    await this.#done;
    const { data } = await this.#client.get(resources.configmaps, { namespace: "default", name });
    return data?.count === this.outcomes.findLast(({ answer }) => answer !== undefined)?.answer;
  }
}
