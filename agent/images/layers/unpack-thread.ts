import { Worker } from "node:worker_threads";
import { type Deferred, deferred } from "../../../base/deferred.ts";
import { ImageError } from "../image.ts";
import type { Unpacked, UnpackTask } from "./unpack-layer.ts";

export type LayerTask =
  | ({ readonly kind: "unpack" } & UnpackTask)
  /** Makes one folder of an image's layers. */
  | { readonly kind: "flatten"; readonly tree: string; readonly below: readonly string[] };

export interface LayerAnswer {
  readonly unpacked?: Unpacked;
  /** In words, for whoever wants the image. */
  readonly failure?: string;
}

/** Makes trees, one after the other. Failures are ImageErrors. */
export interface Unpacker {
  unpack(task: UnpackTask): Promise<Unpacked>;
  flatten(tree: string, below: readonly string[]): Promise<void>;
  /** What it is at ends where it is. */
  stop(): Promise<void>;
}

/** The bundle's file, or what loads the source. */
const entry = new URL(
  import.meta.url.endsWith(".ts") ? "./unpack-worker-source.mjs" : "../cli/unpack-worker.js",
  import.meta.url,
);

/** Of script's own objects; what streams hold is bounded by themselves. */
const heapMebibytesMost = 512;

/** In a thread of its own, which begins with the first tree: an image has as many files as it likes, and the agent has other
 *  things to do. */
export class UnpackThread implements Unpacker {
  readonly #waiting: Deferred<LayerAnswer>[] = [];
  #worker: Worker | undefined;

  async unpack(task: UnpackTask): Promise<Unpacked> {
    const { unpacked } = await this.#run({ kind: "unpack", ...task });
    if (unpacked === undefined) throw new ImageError("the layer was not unpacked");
    return unpacked;
  }

  async flatten(tree: string, below: readonly string[]): Promise<void> {
    await this.#run({ kind: "flatten", tree, below });
  }

  async stop(): Promise<void> {
    const worker = this.#worker;
    this.#end(new ImageError("unpacking was given up"));
    await worker?.terminate();
  }

  async #run(task: LayerTask): Promise<LayerAnswer> {
    const waiting = deferred<LayerAnswer>();
    this.#waiting.push(waiting);
    this.#worker ??= this.#start();
    this.#worker.postMessage(task);
    const answer = await waiting.promise;
    if (answer.failure !== undefined) throw new ImageError(answer.failure);
    return answer;
  }

  #start(): Worker {
    const worker = new Worker(entry, { resourceLimits: { maxOldGenerationSizeMb: heapMebibytesMost } });
    worker.on("message", (answer: LayerAnswer) => this.#waiting.shift()?.resolve(answer));
    worker.on("error", (cause) => {
      if (this.#worker === worker) this.#end(new ImageError(`unpacking failed: ${cause.message}`, { cause }));
    });
    worker.on("exit", () => {
      if (this.#worker === worker) this.#end(new ImageError("unpacking ended early"));
    });
    return worker;
  }

  #end(error: Error): void {
    this.#worker = undefined;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
