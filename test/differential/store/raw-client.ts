import {
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import type { Message } from "../../../base/protobuf.ts";
import type { Method } from "../../../proto/etcd-methods.ts";
import { HeardStream } from "./heard-stream.ts";

type AnyMethod = Method<object, object>;
/** What a call came to: an answer without what tells one cluster from another, or a refusal. */
export type Told = { readonly answer: object } | { readonly code: string; readonly text: string };

/** A client that takes answers as they are. */
export class RawClient {
  readonly #client: Client;

  constructor(endpoint: string) {
    this.#client = new Client(endpoint.replace("http://", ""), credentials.createInsecure());
  }

  /** @param signal Ends the call. */
  call(method: AnyMethod, request: object, token?: string, signal?: AbortSignal): Promise<Told> {
    const { path, response } = method;
    return new Promise((resolve) => {
      const bytes = Buffer.from(method.request.encode(request));
      const done = (error: ServiceError | null, answer?: Uint8Array) =>
        resolve(error === null ? { answer: plain(response, answer) } : refusal(error));
      const call = this.#client.makeUnaryRequest(path, same, same, bytes, shownBy(token), done);
      signal?.addEventListener("abort", () => call.cancel());
    });
  }

  /** All messages of a stream of the server's, and its end. */
  async stream(method: AnyMethod, request: object, token?: string): Promise<readonly Told[]> {
    const stream = this.listen(method, request, token);
    await stream.ended;
    return stream.told;
  }

  /** A stream of the server's. */
  listen(method: AnyMethod, request: object, token?: string): HeardStream {
    const bytes = Buffer.from(method.request.encode(request));
    const call = this.#client.makeServerStreamRequest(method.path, same, same, bytes, shownBy(token));
    return new HeardStream(call, (answer) => ({ answer: plain(method.response, answer) }), refusal);
  }

  /** A stream of both sides. */
  open(method: AnyMethod, token?: string): OpenStream {
    const call = this.#client.makeBidiStreamRequest(method.path, same, same, shownBy(token));
    return new OpenStream(call, method);
  }

  close(): void {
    this.#client.close();
  }
}

/** A stream on which the client sends, too. */
export class OpenStream extends HeardStream {
  readonly #call: ClientDuplexStream<Buffer, Buffer>;
  readonly #method: AnyMethod;
  isHalfClosed = false;

  constructor(call: ClientDuplexStream<Buffer, Buffer>, method: AnyMethod) {
    super(call, (answer) => ({ answer: plain(method.response, answer) }), refusal);
    this.#call = call;
    this.#method = method;
  }

  send(request: object): void {
    this.#call.write(Buffer.from(this.#method.request.encode(request)));
  }

  halfClose(): void {
    this.isHalfClosed = true;
    this.#call.end();
  }
}

const same = (bytes: Uint8Array) => Buffer.from(bytes);

function shownBy(token: string | undefined): Metadata {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set("token", token);
  return metadata;
}

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
