import { type ChildProcess, execFile, spawn } from "node:child_process";
import { promisify } from "node:util";
import { packageFile } from "../../agent/package-file.ts";
import { type Deferred, deferred } from "../../base/deferred.ts";
import type { Log } from "../../base/os/log.ts";
import { kubeconfigText } from "../../client/kubeconfig.ts";
import { type ClusterCredentials, nodeCertificate } from "../credentials.ts";
import type { KeeperMessage, KeeperOrder, NodesNetwork, RealRuntime } from "./keeper-orders.ts";
import type { RealMachine } from "./real-machine.ts";

const run = promisify(execFile);

export interface RealNodesDeps {
  readonly log: Log;
  /** What nodes say at this level and above goes to standard error; absent: nothing does. */
  readonly logLevel: string | undefined;
}

/** Nobody keeps the nodes any more. */
class LostError extends Error {
  override readonly name = "LostError";
}

/** Nodes of this machine, which run pods truly. A process beside this one keeps them (`cli/real-nodes`): whatever way this one
 *  ends, nothing of them is left. */
export class RealNodes {
  readonly #keeper: ChildProcess;
  readonly #log: Log;
  readonly #gone = deferred<void>();
  readonly #asked = new Map<number, Deferred<unknown>>();
  readonly #alive = new Set<string>();
  readonly #onEnds = new Set<(node: string, error: Error) => void>();
  #lastId = 0;
  #network: NodesNetwork | undefined;
  #isClosing = false;

  private constructor(keeper: ChildProcess, { log }: Pick<RealNodesDeps, "log">) {
    this.#keeper = keeper;
    this.#log = log;
    keeper.on("message", (message: KeeperMessage) => this.#hear(message));
    keeper.once("error", (error) => this.#lose(error.message));
    keeper.once("exit", (code, signal) => this.#lose(signal ?? `exit status ${code}`));
    // Only who waits for the cluster keeps this process alive.
    keeper.unref();
    keeper.channel?.unref();
  }

  /** Rejects with an Error that says what is missing on this machine, and what to do about it. */
  static async open(runtime: RealRuntime, deps: RealNodesDeps): Promise<RealNodes> {
    const keeper = spawn(process.execPath, [program(), "__nodes"], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      // Ctrl-C at a terminal ends this process first.
      detached: true,
      env: ownEnvironment(process.env),
    });
    const nodes = new RealNodes(keeper, deps);
    try {
      const log = deps.logLevel === undefined ? {} : { log: deps.logLevel };
      nodes.#network = (await nodes.#ask({ do: "open", runtime, ...log })) as NodesNetwork;
      return nodes;
    } catch (error) {
      await nodes.close();
      throw error;
    }
  }

  get network(): NodesNetwork {
    if (this.#network === undefined) throw new Error("no nodes are kept yet");
    return this.#network;
  }

  /** Has a node start. Resolves when its agent runs, which is not when it is ready.
   *  @param url Of the API server, as nodes reach it. */
  async add(
    { name, labels, taints }: RealMachine,
    credentials: ClusterCredentials,
    url: string,
  ): Promise<void> {
    const address = String(await this.#ask({ do: "place", node: name }));
    const pair = await nodeCertificate(credentials, name, address);
    const caPem = credentials.authority.certificatePem;
    const kubeconfig = kubeconfigText({ servers: [url], caPem, ...pair, namespace: "default" });
    const identity = { kubeconfig, caPem, ...pair, labels, taints };
    this.#alive.add(name);
    await this.#ask({ do: "boot", node: name, identity });
  }

  async boot(node: string): Promise<void> {
    this.#alive.add(node);
    await this.#ask({ do: "boot", node });
  }

  /** As a power cut would. */
  async halt(node: string): Promise<void> {
    this.#alive.delete(node);
    await this.#ask({ do: "halt", node });
  }

  async remove(node: string): Promise<void> {
    this.#alive.delete(node);
    await this.#ask({ do: "remove", node });
  }

  async route(node: string, podRanges: readonly string[]): Promise<void> {
    await this.#ask({ do: "route", node, podRanges });
  }

  /** Resolves or rejects as `ready` does, but rejects as soon as one of the nodes' agents ends. */
  async unlessEnded<T>(names: readonly string[], ready: Promise<T>): Promise<T> {
    const ended = deferred<T>();
    const onEnd = (node: string, error: Error) => {
      if (names.includes(node)) ended.reject(error);
    };
    this.#onEnds.add(onEnd);
    ready.then(ended.resolve, ended.reject);
    try {
      return await ended.promise;
    } finally {
      this.#onEnds.delete(onEnd);
    }
  }

  /** Ends all that they run. Nothing of them is left on the machine. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#keeper.ref();
    try {
      await this.#ask({ do: "close" });
    } catch (error) {
      if (!(error instanceof LostError)) throw error;
      await this.#gone.promise;
      return await this.#removeLeftovers();
    }
    await this.#gone.promise;
  }

  /** A keeper that was killed has removed nothing. */
  async #removeLeftovers(): Promise<void> {
    if (this.#network === undefined) return;
    const words = ["down", "--purge", "--data-dir", this.#network.folder];
    await run(process.execPath, [program(), ...words], { env: ownEnvironment(process.env) });
  }

  /** While it is not answered it keeps this process alive. */
  async #ask(order: KeeperOrder): Promise<unknown> {
    const answer = deferred<unknown>();
    const id = ++this.#lastId;
    this.#asked.set(id, answer);
    this.#keeper.channel?.ref();
    if (this.#keeper.connected)
      this.#keeper.send({ ...order, id }, (error) => error && this.#lose(error.message));
    else this.#lose("it has ended");
    try {
      return await answer.promise;
    } finally {
      if (this.#asked.size === 0) this.#keeper.channel?.unref();
    }
  }

  #hear(message: KeeperMessage): void {
    if ("ended" in message) {
      this.#tellEnd(message.ended, message.why);
      return;
    }
    const asked = this.#asked.get(message.id);
    this.#asked.delete(message.id);
    if ("error" in message) asked?.reject(new Error(message.error));
    else asked?.resolve(message.value);
  }

  #tellEnd(node: string, why: string): void {
    if (!this.#alive.delete(node)) return;
    this.#log.warn("a node's agent has ended", { node, why });
    for (const onEnd of [...this.#onEnds]) onEnd(node, new Error(`node ${node} does not run: ${why}`));
  }

  /** The keeper is gone. */
  #lose(why: string): void {
    this.#gone.resolve();
    const error = new LostError(`the process that keeps the real nodes is gone: ${why}`);
    if (!this.#isClosing) for (const node of [...this.#alive]) this.#tellEnd(node, error.message);
    for (const asked of this.#asked.values()) asked.reject(error);
    this.#asked.clear();
  }
}

function program(): string {
  const path = packageFile("bin/pintle");
  if (path !== undefined) return path;
  throw new Error("real nodes need the whole package, which was not found: is this a bundle of it?");
}

/** What is for tests' runners and for other commands of ours is not for the nodes. */
function ownEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const isForOthers = (name: string) =>
    (name.startsWith("PINTLE_") && name !== "PINTLE_FROM_SOURCE") ||
    name === "NODE_OPTIONS" ||
    name === "NODE_V8_COVERAGE";
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isForOthers(name)));
}
