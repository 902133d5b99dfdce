import { Worker } from "node:worker_threads";
import { type Deferred, deferred } from "../../base/deferred.ts";
import { utf8 } from "../../base/wire.ts";
import { StoreError } from "../errors.ts";

/** bcrypt takes a tenth of a second and more at a stretch, by design. */
export interface Passwords {
  /** Rejects with PASSWORD_TOO_LONG, TOO_MANY_REQUESTS. */
  hash(password: string): Promise<string>;
  /** Rejects with TOO_MANY_REQUESTS. */
  matches(password: string, hash: Uint8Array): Promise<boolean>;
  stop(): Promise<void>;
}

export type PasswordTask =
  | { readonly id: number; readonly kind: "hash"; readonly password: string; readonly cost: number }
  | { readonly id: number; readonly kind: "compare"; readonly password: string; readonly hash: string };
export interface PasswordAnswer {
  readonly id: number;
  readonly result: string | boolean;
}

/** bcrypt looks at no more of a password. */
const passwordBytesMax = 72;
/** Tasks that wait; anybody may ask for one, and each takes long. */
const waitingMax = 256;

/** The bundle's file, or what loads the source. */
const entry = new URL(
  import.meta.url.endsWith(".ts") ? "./password-worker-source.mjs" : "../cli/password-worker.js",
  import.meta.url,
);

/** Hashes passwords in a thread of its own, which begins with the first one. */
export class PasswordThread implements Passwords {
  readonly #cost: number;
  readonly #waiting = new Map<number, Deferred<string | boolean>>();
  #worker: Worker | undefined;
  #nextId = 1;

  constructor(cost: number) {
    this.#cost = cost;
  }

  async hash(password: string): Promise<string> {
    if (utf8(password).length > passwordBytesMax) throw new StoreError("PASSWORD_TOO_LONG");
    return String(await this.#run({ kind: "hash", password, cost: this.#cost }));
  }

  async matches(password: string, hash: Uint8Array): Promise<boolean> {
    const text = Buffer.from(hash).toString("latin1");
    return (await this.#run({ kind: "compare", password, hash: text })) === true;
  }

  async stop(): Promise<void> {
    const worker = this.#worker;
    this.#end(new StoreError("STOPPED"));
    await worker?.terminate();
  }

  #run(task: DistributiveOmit<PasswordTask, "id">): Promise<string | boolean> {
    if (this.#waiting.size >= waitingMax) return Promise.reject(new StoreError("TOO_MANY_REQUESTS"));
    const id = this.#nextId++;
    const answer = deferred<string | boolean>();
    this.#waiting.set(id, answer);
    this.#worker ??= this.#start();
    this.#worker.postMessage({ ...task, id } satisfies PasswordTask);
    return answer.promise;
  }

  #start(): Worker {
    const worker = new Worker(entry);
    worker.unref(); // it does nothing that a process should stay for
    worker.on("message", ({ id, result }: PasswordAnswer) => {
      this.#waiting.get(id)?.resolve(result);
      this.#waiting.delete(id);
    });
    worker.on("error", (error) => {
      if (this.#worker === worker) this.#end(error);
    });
    return worker;
  }

  #end(error: Error): void {
    this.#worker = undefined;
    for (const answer of this.#waiting.values()) answer.reject(error);
    this.#waiting.clear();
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
