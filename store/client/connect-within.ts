import type { Socket } from "node:net";
import * as grpc from "@grpc/grpc-js";

type Connector = ReturnType<grpc.ChannelCredentials["_createSecureConnector"]>;

/** Credentials as `inner`, whose connections end where the server takes them and then says nothing for `withinMs`, be it in
 *  the TLS handshake or after it. grpc-js itself waits for ever, and the channel's calls with it
 *  (https://github.com/grpc/grpc-node/issues/2785); with this it sees the connection fail and tries anew. */
export class ConnectWithin extends grpc.ChannelCredentials {
  readonly #inner: grpc.ChannelCredentials;
  readonly #withinMs: number;

  constructor(inner: grpc.ChannelCredentials, withinMs: number) {
    super();
    this.#inner = inner;
    this.#withinMs = withinMs;
  }

  override _isSecure(): boolean {
    return this.#inner._isSecure();
  }

  override _equals(other: grpc.ChannelCredentials): boolean {
    return (
      other instanceof ConnectWithin &&
      this.#withinMs === other.#withinMs &&
      this.#inner._equals(other.#inner)
    );
  }

  override _createSecureConnector(
    ...about: Parameters<grpc.ChannelCredentials["_createSecureConnector"]>
  ): Connector {
    return new BoundedConnector(this.#inner._createSecureConnector(...about), this.#withinMs);
  }
}

class BoundedConnector implements Connector {
  readonly #inner: Connector;
  readonly #withinMs: number;
  /** Of sockets that nothing has come from yet: ends them. */
  readonly #silent = new Set<(reason: string) => void>();
  #isDestroyed = false;

  constructor(inner: Connector, withinMs: number) {
    this.#inner = inner;
    this.#withinMs = withinMs;
  }

  async connect(socket: Socket): ReturnType<Connector["connect"]> {
    if (this.#isDestroyed) throw new Error("the channel is closed");
    let connected: Awaited<ReturnType<Connector["connect"]>> | undefined;
    const ended = new Promise<never>((_, reject) => {
      const end = (reason: string) => {
        const error = new Error(reason);
        reject(error);
        (connected?.socket ?? socket).destroy(error);
      };
      const look = () => {
        // Of TLS these are the bytes inside: the first are the server's HTTP/2 settings.
        if (connected !== undefined && connected.socket.bytesRead > 0) this.#silent.delete(end);
        else end(`the server takes the connection and says nothing for ${this.#withinMs} ms`);
      };
      const timer = setTimeout(look, this.#withinMs).unref();
      this.#silent.add(end);
      socket.once("close", () => {
        this.#silent.delete(end);
        clearTimeout(timer);
        reject(new Error("the connection is closed")); // grpc-js does not look for that during the TLS handshake
      });
    });
    connected = await Promise.race([this.#inner.connect(socket), ended]);
    return connected;
  }

  waitForReady(): Promise<void> {
    return this.#inner.waitForReady();
  }

  getCallCredentials(): grpc.CallCredentials {
    return this.#inner.getCallCredentials();
  }

  /** The channel is closed: a connection that has not come about would keep the process. */
  destroy(): void {
    this.#isDestroyed = true;
    for (const end of this.#silent) end("the channel is closed");
    this.#inner.destroy();
  }
}
