import { type ChannelCredentials, Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import type { Message } from "../../base/protobuf.ts";
import { type Method, methods } from "../../proto/etcd-methods.ts";

/** What a call came to: the code and words of its refusal, or its answer without the header, of which the revision stays. */
export type CallOutcome =
  | { readonly code: number; readonly details: string }
  | { readonly revision: number | undefined; readonly answer: Record<string, unknown> };

type AnyMethod = Method<object, object>;
const same = (bytes: Uint8Array) => Buffer.from(bytes);

/** Calls of etcd's API by their names in `methods`, in the name of who has a token. */
export class EtcdCalls {
  readonly #client: Client;

  constructor(endpoint: string, shown: ChannelCredentials = credentials.createInsecure()) {
    this.#client = new Client(endpoint.replace(/^https?:\/\//, ""), shown);
  }

  /** Of a stream, the first answer. */
  call(name: keyof typeof methods, request: object, token?: string): Promise<CallOutcome> {
    const method = methods[name] as unknown as AnyMethod;
    const metadata = new Metadata();
    if (token !== undefined) metadata.set("token", token);
    const bytes = method.request.encode(request);
    const unary = method.kind === "unary";
    return unary ? this.#unary(method, bytes, metadata) : this.#stream(method, bytes, metadata);
  }

  close(): void {
    this.#client.close();
  }

  #unary(method: AnyMethod, bytes: Uint8Array, metadata: Metadata): Promise<CallOutcome> {
    return new Promise((resolve) => {
      this.#client.makeUnaryRequest(method.path, same, same, bytes, metadata, (error, answer) =>
        resolve(error === null ? answered(method.response, answer ?? Buffer.alloc(0)) : refused(error)),
      );
    });
  }

  #stream(method: AnyMethod, bytes: Uint8Array, metadata: Metadata): Promise<CallOutcome> {
    return new Promise((resolve) => {
      const stream = this.#client.makeBidiStreamRequest(method.path, same, same, metadata);
      stream.on("data", (answer: Buffer) => {
        resolve(answered(method.response, answer));
        stream.cancel();
      });
      stream.on("error", (error: ServiceError) => resolve(refused(error)));
      stream.write(bytes);
    });
  }
}

const refused = ({ code, details }: ServiceError): CallOutcome => ({ code, details });

function answered(message: Message<object>, bytes: Uint8Array): CallOutcome {
  const { header, ...answer } = message.decode(bytes) as {
    readonly header?: { readonly revision: number };
  };
  return { revision: header?.revision, answer };
}
