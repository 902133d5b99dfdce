import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { must } from "../../base/assert.ts";
import { type Deferred, deferred } from "../../base/deferred.ts";
import type { Encodable, Message } from "../../base/protobuf.ts";
import type { Method } from "../../proto/etcd-methods.ts";

const program = fileURLToPath(new URL("grpcio-client.py", import.meta.url));

/** A Python that has grpcio, for which the system's package serves the system's own. Undefined: there is none. */
export const pythonWithGrpc = ["python3", "/usr/bin/python3"].find(
  (python) => spawnSync(python, ["-c", "import grpc"]).status === 0,
);

/** A message of an answer in hex, or how the call ended. */
type Report = { readonly message: string } | { readonly status: string; readonly details: string };

/** Python's gRPC client (grpcio) on one channel, in a process of its own. */
export class PythonClient {
  readonly #child: ChildProcess;
  readonly #inboxes: Inbox[] = [];
  #ended: Error | undefined;

  /** @param address `host:port` of the server.
   *  @param authorityFile PEM, whose authority the server is trusted by; absent: without TLS. */
  constructor(python: string, address: string, authorityFile?: string) {
    const args = [program, address, ...(authorityFile === undefined ? [] : [authorityFile])];
    this.#child = spawn(python, args);
    this.#child.stdin?.on("error", () => undefined); // it ended, and says why
    let said = "";
    this.#child.stderr?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    createInterface({ input: must(this.#child.stdout, "a pipe") }).on("line", (line) => {
      const { call, ...report } = JSON.parse(line) as Report & { readonly call: number };
      must(this.#inboxes[call], "a call that was made").put(report);
    });
    this.#child.once("close", (code, signal) => {
      this.#ended = new Error(`${python} ended (${signal ?? code}): ${said}`);
      for (const inbox of this.#inboxes) inbox.fail(this.#ended);
    });
  }

  /** Rejects with `STATUS: details` where the call fails. */
  async unary<Q extends object, A extends object>(
    method: Method<Q, A>,
    request: Encodable<Q>,
    compression: "NoCompression" | "Gzip" | "Deflate" = "NoCompression",
  ): Promise<A> {
    const call = this.#newCall();
    const message = Buffer.from(method.request.encode(request)).toString("hex");
    this.#order({ call, do: "unary", path: method.path, message, compression });
    return must(await this.#next(call, method), "an answer before OK");
  }

  /** A stream, whose `next()` resolves with undefined once it has ended well, and rejects with `STATUS: details` if not. */
  open<Q extends object, A extends object>(method: Method<Q, A>) {
    const call = this.#newCall();
    this.#order({ call, do: "open", path: method.path });
    return {
      send: (request: Encodable<Q>) => {
        const message = Buffer.from(method.request.encode(request)).toString("hex");
        this.#order({ call, do: "send", message });
      },
      halfClose: () => this.#order({ call, do: "halfClose" }),
      cancel: () => this.#order({ call, do: "cancel" }),
      next: () => this.#next(call, method),
    };
  }

  /** Ends its calls, its channel and the process. */
  async stop(): Promise<void> {
    if (this.#ended !== undefined) return;
    this.#child.stdin?.end();
    await once(this.#child, "close");
  }

  #newCall(): number {
    const inbox = new Inbox();
    if (this.#ended !== undefined) inbox.fail(this.#ended);
    return this.#inboxes.push(inbox) - 1;
  }

  #order(order: object): void {
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
  }

  async #next<A extends object>(
    call: number,
    { response }: { readonly response: Message<A> },
  ): Promise<A | undefined> {
    const report = await must(this.#inboxes[call], "a call that was made").take();
    if ("message" in report) return response.decode(Buffer.from(report.message, "hex"));
    if (report.status !== "OK") throw new Error(`${report.status}: ${report.details}`);
    return undefined;
  }
}

/** What a call has brought and nobody has taken, in order. One takes at a time. */
class Inbox {
  readonly #reports: Report[] = [];
  #waiting: Deferred<Report> | undefined;
  #failure: Error | undefined;

  put(report: Report): void {
    if (this.#waiting === undefined) this.#reports.push(report);
    else this.#waiting.resolve(report);
    this.#waiting = undefined;
  }

  /** Nothing more comes. */
  fail(failure: Error): void {
    this.#failure = failure;
    this.#waiting?.reject(failure);
  }

  async take(): Promise<Report> {
    const report = this.#reports.shift();
    if (report !== undefined) return report;
    if (this.#failure !== undefined) throw this.#failure;
    this.#waiting = deferred();
    return this.#waiting.promise;
  }
}
