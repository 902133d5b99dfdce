import { must } from "../../../../base/assert.ts";
import { Prng } from "../../../../base/os/random.ts";
import { ManualClock } from "../../../driver/fixtures/rig.ts";
import { type EmbeddedStore, openEmbedded } from "../../../embedded/embedded-store.ts";
import { CallError } from "../../call-error.ts";
import { openStoreClient } from "../../open-client.ts";
import type { StoreClient } from "../../store-client.ts";
import type { ClientStream, ClientTransport, StreamHandlers } from "../../transport.ts";
import type { Keyspace } from "../api.ts";
import { text } from "../codec.ts";
import { OpenKeyspace } from "../keyspace.ts";
import { KeyFolder } from "../places.ts";

/** A store and a client whose way to it can be cut, under one clock that moves only when told to. */
export class CuttableStore {
  readonly clock = new ManualClock();
  readonly random = new Prng(1);
  #isCut = false;
  readonly #streams = new Map<ClientStream, StreamHandlers>();
  /** Called with each answer to a renewal. */
  onRenewal: () => void = () => undefined;
  #store: EmbeddedStore | undefined;
  #client: StoreClient | undefined;

  async open(): Promise<Keyspace<string>> {
    const { clock, random } = this;
    const store = await openEmbedded({}, { clock, random });
    this.#store = store;
    this.#client = openStoreClient(
      { endpoints: ["http://here:1"] },
      { clock, random, transport: this.#cuttable(store.transport) },
    );
    return this.#keyspace(this.#client);
  }

  /** The same keys by a way that is never cut. */
  get direct(): Keyspace<string> {
    return this.#keyspace(must(this.#store, "it is open").client);
  }

  #keyspace(client: StoreClient): Keyspace<string> {
    const { clock, random } = this;
    return new OpenKeyspace({ client, clock, random }, new KeyFolder(new Uint8Array(0)), text);
  }

  /** Streams end, and nothing gets through until it is mended. */
  cut(): void {
    this.#isCut = true;
    for (const [stream, handlers] of this.#streams) {
      stream.cancel();
      handlers.end(gone());
    }
    this.#streams.clear();
  }

  mend(): void {
    this.#isCut = false;
  }

  /** Time passes, and what it brings about is done. */
  async pass(ms: number): Promise<void> {
    this.clock.jump(ms);
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
  }

  async close(): Promise<void> {
    this.#client?.close();
    await this.#store?.close();
  }

  async revoke(id: bigint): Promise<void> {
    await this.#client?.revokeLease(id);
  }

  closeClient(): void {
    this.#client?.close();
  }

  #cuttable(inner: ClientTransport): ClientTransport {
    return {
      unary: (...call) => (this.#isCut ? Promise.reject(gone()) : inner.unary(...call)),
      stream: (endpoint, path, settings, handlers) => {
        if (this.#isCut) {
          queueMicrotask(() => handlers.end(gone()));
          return { send: () => undefined, halfClose: () => undefined, cancel: () => undefined };
        }
        const stream = inner.stream(endpoint, path, settings, {
          message: (bytes) => {
            handlers.message(bytes);
            if (path.endsWith("LeaseKeepAlive")) this.onRenewal();
          },
          end: (error) => {
            this.#streams.delete(stream);
            handlers.end(error);
          },
        });
        this.#streams.set(stream, handlers);
        return {
          ...stream,
          send: (bytes) => stream.send(bytes),
          halfClose: () => stream.halfClose(),
          cancel: () => {
            this.#streams.delete(stream);
            stream.cancel();
          },
        };
      },
      close: () => inner.close(),
    };
  }
}

const gone = () => new CallError("UNAVAILABLE", "the way is cut", { sent: false });
