import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { type Deferred, deferred } from "../../base/deferred.ts";
import type { Clock } from "../../base/os/clock.ts";
import type { Log } from "../../base/os/log.ts";
import type { CertificatePem } from "../../client/rules/tls-secret.ts";
import type { Change } from "./data-plane.ts";
import type { FrontPorts, OpenedPorts, Serving } from "./serving.ts";
import type { Said, ThreadData, Told } from "./thread-messages.ts";

/** The bundle's file, or what loads the source. */
const entry = new URL(
  import.meta.url.endsWith(".ts") ? "./serving-worker-source.mjs" : "../cli/serving-worker.js",
  import.meta.url,
);

/** Memory that requests may take; beyond it the thread ends, not the agent. */
const heapMbMost = 512;
/** How long the thread may take to end by itself. */
const stopMs = 5_000;

/** Serves in a thread of its own, which is there while ports are open. What is told before waits for it, and a thread that broke is
 *  told all again. */
export class ThreadServing implements Serving {
  readonly #fallback: CertificatePem;
  readonly #log: Log;
  readonly #clock: Pick<Clock, "after">;
  readonly #onBroken: () => void;
  /** All that holds, by what it is about. */
  readonly #state = new Map<string, Change>();
  #worker: Worker | undefined;
  #pending: Change[] = [];
  #asked = new Map<number, Deferred<OpenedPorts | undefined>>();
  #lastId = 0;
  /** Entries that are to be open. */
  readonly #open = new Set<string | undefined>();

  /** @param onBroken The ports are closed: they are to be opened again. */
  constructor(
    fallback: CertificatePem,
    {
      log,
      clock,
      onBroken,
    }: { readonly log: Log; readonly clock: Pick<Clock, "after">; readonly onBroken: () => void },
  ) {
    this.#fallback = fallback;
    this.#log = log;
    this.#clock = clock;
    this.#onBroken = onBroken;
  }

  apply(change: Change): void {
    const key = keyOf(change);
    // What is last told of a thing stands behind what was told of others before.
    this.#state.delete(key);
    if (!isNothing(change)) this.#state.set(key, change);
    if (this.#worker === undefined) return;
    if (this.#pending.length === 0) setImmediate(() => this.#tellPending());
    this.#pending.push(change);
  }

  async open(ports: FrontPorts): Promise<OpenedPorts> {
    this.#open.add(ports.entry);
    if (this.#worker === undefined) {
      this.#start();
      this.#pending = [...this.#state.values()];
    }
    const opened = await this.#ask((id) => ({ kind: "open", id, ports }));
    const ended = "the thread ended";
    return (
      opened ?? {
        http: ports.http === undefined ? undefined : ended,
        https: ports.https === undefined ? undefined : ended,
      }
    );
  }

  async shut(entry?: string): Promise<void> {
    this.#open.delete(entry);
    if (this.#worker === undefined) return;
    await this.#ask((id) => ({ kind: "shut", id, entry }));
    if (this.#open.size === 0) await this.stop();
  }

  async stop(): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined) return;
    this.#worker = undefined;
    const ended = once(worker, "exit");
    worker.postMessage({ kind: "stop" } satisfies Told);
    const cancel = this.#clock.after(stopMs, () => void worker.terminate());
    await ended;
    cancel();
  }

  #ask(told: (id: number) => Told): Promise<OpenedPorts | undefined> {
    this.#tellPending();
    this.#lastId += 1;
    const answer = deferred<OpenedPorts | undefined>();
    this.#asked.set(this.#lastId, answer);
    this.#worker?.postMessage(told(this.#lastId));
    return answer.promise;
  }

  #tellPending(): void {
    const changes = this.#pending;
    this.#pending = [];
    if (changes.length > 0) this.#worker?.postMessage({ kind: "changes", changes } satisfies Told);
  }

  #start(): void {
    const data: ThreadData = { fallback: this.#fallback };
    const worker = new Worker(entry, {
      workerData: data,
      resourceLimits: { maxOldGenerationSizeMb: heapMbMost },
    });
    this.#worker = worker;
    worker.on("message", (said: Said) => this.#heard(said));
    worker.on("error", (error) => this.#log.error("the thread that answers requests broke", { error }));
    worker.on("exit", () => {
      for (const answer of this.#asked.values()) answer.resolve(undefined);
      this.#asked = new Map();
      if (this.#worker !== worker) return; // it was asked to end
      this.#worker = undefined;
      this.#pending = [];
      this.#onBroken();
    });
  }

  #heard(said: Said): void {
    if (said.kind === "log") {
      this.#log[said.level](said.message, said.fields);
      return;
    }
    this.#asked.get(said.id)?.resolve(said.opened);
    this.#asked.delete(said.id);
  }
}

function keyOf(change: Change): string {
  switch (change.kind) {
    case "listeners":
      return `listeners ${change.entry}`;
    case "routes":
      return `routes ${change.entry ?? ""} ${change.listener ?? ""} ${change.owner}`;
    case "endpoints":
      return `endpoints ${change.backend}`;
    case "certificate":
      return `certificate ${change.entry ?? ""} ${change.host}`;
  }
}

function isNothing(change: Change): boolean {
  switch (change.kind) {
    case "listeners":
    case "routes":
      return change.hosts.length === 0;
    case "endpoints":
      return change.endpoints === undefined;
    case "certificate":
      return change.pem === undefined;
  }
}
