import { Client, credentials, type ServiceError, status } from "@grpc/grpc-js";
import type { Message } from "../../../base/protobuf.ts";
import type { Method } from "../../../proto/etcd-methods.ts";

/** What a call came to: an answer without what tells one cluster from another, or a refusal. */
export type Told = { readonly answer: object } | { readonly code: string; readonly text: string };

/** A client that takes answers as they are. */
export class RawClient {
  readonly #client: Client;

  constructor(endpoint: string) {
    this.#client = new Client(endpoint.replace("http://", ""), credentials.createInsecure());
  }

  call(method: Method<object, object>, request: object): Promise<Told> {
    const { path, response } = method;
    return new Promise((resolve) => {
      const bytes = Buffer.from(method.request.encode(request));
      const done = (error: ServiceError | null, answer?: Uint8Array) =>
        resolve(error === null ? { answer: plain(response, answer) } : refusal(error));
      this.#client.makeUnaryRequest(path, same, same, bytes, done);
    });
  }

  /** All messages of a stream of the server's, and its end. */
  async stream(method: Method<object, object>, request: object): Promise<readonly Told[]> {
    const bytes = Buffer.from(method.request.encode(request));
    const told: Told[] = [];
    const call = this.#client.makeServerStreamRequest(method.path, same, same, bytes);
    return await new Promise((resolve) => {
      call.on("data", (answer: Uint8Array) => told.push({ answer: plain(method.response, answer) }));
      call.on("error", (error: ServiceError) => resolve([...told, refusal(error)]));
      call.on("end", () => resolve(told));
    });
  }

  close(): void {
    this.#client.close();
  }
}

const same = (bytes: Uint8Array) => Buffer.from(bytes);

const refusal = (error: ServiceError): Told => ({
  code: status[error.code] ?? String(error.code),
  text: error.details,
});

/** With the header cut down to its revision: ids and terms are each cluster's own. */
export function plain(response: Message<object>, bytes: Uint8Array = new Uint8Array(0)): object {
  const answer = response.decode(bytes) as { header?: { revision?: number } };
  const { revision = 0 } = answer.header ?? {};
  return "header" in answer && answer.header !== undefined ? { ...answer, header: { revision } } : answer;
}
