import type { Os } from "../base/os/os.ts";
import type { Within } from "../controlplane/apiserver/reach/within.ts";
import type { Storage } from "../controlplane/apiserver/registry/storage.ts";
import { type RunningApiserver, startOnStorage } from "../controlplane/apiserver/start.ts";
import { apiserverConfig } from "./apiserver-config.ts";
import { type ClusterNetwork, isOfMachine } from "./cluster-network.ts";
import type { ClusterCredentials } from "./credentials.ts";
import type { LocalServer } from "./local/local-server.ts";

/** The API server of a cluster: it may go and come back over the same store. */
export class ApiServer {
  readonly #credentials: ClusterCredentials;
  readonly #storage: Storage;
  readonly #local: LocalServer;
  readonly #os: () => Os;
  readonly #within: Within;
  readonly #network: ClusterNetwork;
  #running: RunningApiserver | undefined;
  /** Where it listens, once somebody asked for that. */
  #port: number | undefined;

  /** @param os For each life its own, since metrics are those of one process. */
  constructor(
    credentials: ClusterCredentials,
    storage: Storage,
    {
      local,
      within,
      network,
      os,
    }: {
      readonly local: LocalServer;
      readonly within: Within;
      readonly network: ClusterNetwork;
      readonly os: () => Os;
    },
  ) {
    this.#network = network;
    this.#within = within;
    this.#credentials = credentials;
    this.#storage = storage;
    this.#local = local;
    this.#os = os;
  }

  async start(): Promise<void> {
    const running = await startOnStorage(
      apiserverConfig(this.#credentials, this.#network, this.#port),
      keptOpen(this.#storage),
      this.#os(),
      { within: this.#within, keepsAlive: false },
    );
    running.done.catch(() => undefined); // its end is asked for by `stop`
    this.#running = running;
    if (isOfMachine(this.#network)) this.#port = running.port;
    else if (this.#port !== undefined) await running.listen(["127.0.0.1"], this.#port);
    this.#local.up(running);
  }

  /** Whoever waits for an answer loses the connection. */
  async stop(): Promise<void> {
    this.#local.down();
    const running = this.#running;
    this.#running = undefined;
    await running?.stop();
  }

  /** Opens its HTTPS port on the loopback, unless it is open. Resolves with the URL. */
  async listen(): Promise<string> {
    if (this.#running === undefined) throw new Error("the API server is down: restart it first");
    this.#port ??= await this.#running.listen(["127.0.0.1"], 0);
    return `https://127.0.0.1:${this.#port}`;
  }

  /** As nodes of the machine reach it. */
  get urlOfNodes(): string {
    return `https://${this.#network.advertiseAddress}:${this.#port}`;
  }
}

/** An API server closes its storage when it ends; the next one goes on with it. */
function keptOpen(storage: Storage): Storage {
  return {
    get: (key) => storage.get(key),
    list: (prefix, options) => storage.list(prefix, options),
    commit: (transaction) => storage.commit(transaction),
    revision: () => storage.revision(),
    watch: (prefix, fromRevision, signal) => storage.watch(prefix, fromRevision, signal),
    compact: (revision) => storage.compact(revision),
    close: async () => {},
  };
}
