import { isIPv6 } from "node:net";
import type { Os } from "../base/os/os.ts";
import type { Within } from "../controlplane/apiserver/reach/within.ts";
import type { Storage } from "../controlplane/apiserver/registry/storage.ts";
import { type RunningApiserver, startOnStorage } from "../controlplane/apiserver/start.ts";
import { apiserverConfig } from "./apiserver-config.ts";
import { type ClusterNetwork, isOfMachine } from "./cluster-network.ts";
import type { ClusterCredentials } from "./credentials.ts";
import type { LocalServer } from "./local/local-server.ts";

const loopback = "127.0.0.1";
const nothing: Promise<void> = Promise.resolve();

/** Where it listens. */
export interface OpenPort {
  /** Such as `https://127.0.0.1:40123`. */
  readonly url: string;
  /** Resolves when the `kubernetes` Service leads there, or could not be told so for now. */
  readonly told: Promise<void>;
}

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
  readonly #addresses: string[] = [];
  #opened: Promise<unknown> = Promise.resolve();

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
      keptOpen(this.#storage, () => this.#local.pass()),
      this.#os(),
      { within: this.#within, keepsAlive: false },
    );
    running.done.catch(() => undefined); // its end is asked for by `stop`
    this.#running = running;
    if (isOfMachine(this.#network)) {
      this.#port = running.port;
      this.#addresses.splice(0, Number.POSITIVE_INFINITY, ...this.#network.apiAddresses);
    } else if (this.#addresses.length > 0) await this.#open(running, this.#addresses);
    this.#local.up(running);
  }

  /** Whoever waits for an answer loses the connection. */
  async stop(): Promise<void> {
    this.#local.down();
    const running = this.#running;
    this.#running = undefined;
    await running?.stop();
  }

  /** Opens its HTTPS port on an address, unless it is open there: the same port on all. The `kubernetes` Service leads to the last
   *  address that is not the loopback's, or there. */
  listen(address: string = loopback): Promise<OpenPort> {
    const opened = this.#opened.then(async () => {
      const running = this.#running;
      if (running === undefined) throw new Error("the API server is down: restart it first");
      const isOpen = this.#addresses.includes(address);
      const { told } = isOpen ? { told: nothing } : await this.#open(running, [address]);
      return { url: `https://${isIPv6(address) ? `[${address}]` : address}:${this.#port}`, told };
    });
    this.#opened = opened.catch(() => undefined); // told to whoever asked
    return opened;
  }

  async #open(running: RunningApiserver, bindAddresses: readonly string[]): Promise<Pick<OpenPort, "told">> {
    const all = new Set([...this.#addresses, ...bindAddresses]);
    const advertiseAddress = [...all].findLast((one) => one !== loopback) ?? loopback;
    const { port, told } = await running.listen({ bindAddresses, port: this.#port ?? 0, advertiseAddress });
    this.#port = port;
    this.#addresses.splice(0, Number.POSITIVE_INFINITY, ...all);
    return { told };
  }

  /** As nodes of the machine reach it. */
  get urlOfNodes(): string {
    return `https://${this.#network.advertiseAddress}:${this.#port}`;
  }
}

/** An API server closes its storage when it ends; the next one goes on with it.
 *  @param passed Told of what it does by itself, so that whoever waits for quiet waits for that, too. */
function keptOpen(storage: Storage, passed: () => void): Storage {
  const told = () => {
    passed();
    return storage;
  };
  return {
    get: (key) => told().get(key),
    list: (prefix, options) => told().list(prefix, options),
    commit: (transaction) => told().commit(transaction),
    revision: () => storage.revision(),
    watch: (prefix, fromRevision, signal) => storage.watch(prefix, fromRevision, signal),
    compact: (revision) => storage.compact(revision),
    close: async () => {},
  };
}
