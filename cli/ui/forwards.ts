import { createServer, type Server } from "node:net";
import { pipeline } from "node:stream";
import type { RestClient } from "../../client/rest.ts";
import type { Ref } from "../../client/types.ts";

export interface Forward {
  readonly ref: Ref;
  readonly localPort: number;
  readonly port: number;
  connections: number;
  /** Why the last connection failed. */
  problem: string | undefined;
  close(): void;
}

const address = "127.0.0.1";

/** Ports of this machine that lead to ports of pods, until they are closed or the program ends. */
export class Forwards {
  readonly #open = new Set<Forward>();
  readonly #changed: () => void;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get all(): readonly Forward[] {
    return [...this.#open];
  }

  /** @param localPort 0 picks a free one.
   *  Rejects where the port is taken, or may not be listened on. */
  async open(client: RestClient, ref: Ref, port: number, localPort: number): Promise<Forward> {
    const ending = new AbortController();
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      forward.connections++;
      this.#changed();
      client.portForward(ref, port, ending.signal).then(
        (stream) => {
          // What breaks one side ends the other; the pod's word for it is kept.
          pipeline(socket, stream, () => undefined);
          pipeline(stream, socket, (error) => this.#ended(forward, error));
        },
        (error: unknown) => {
          socket.destroy();
          this.#ended(forward, error);
        },
      );
    });
    await listening(server, localPort);
    const at = server.address();
    const forward: Forward = {
      ref,
      port,
      localPort: typeof at === "object" && at !== null ? at.port : localPort,
      connections: 0,
      problem: undefined,
      close: () => {
        server.close();
        ending.abort();
        this.#open.delete(forward);
        this.#changed();
      },
    };
    this.#open.add(forward);
    this.#changed();
    return forward;
  }

  close(): void {
    for (const one of this.#open) one.close();
  }

  #ended(forward: Forward, error: unknown): void {
    forward.connections = Math.max(0, forward.connections - 1);
    const isOurs = error instanceof Error && "code" in error && error.code === "ERR_STREAM_PREMATURE_CLOSE";
    if (error && !isOurs) forward.problem = error instanceof Error ? error.message : String(error);
    this.#changed();
  }
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, address, () => {
      server.off("error", reject);
      server.on("error", () => undefined);
      resolve();
    });
  });
}
