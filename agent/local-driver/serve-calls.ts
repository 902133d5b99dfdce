import * as grpc from "@grpc/grpc-js";
import type { Log } from "../../base/os/log.ts";
import type { Encodable, Message, Of } from "../../base/protobuf.ts";
import { WireError } from "../../base/wire.ts";
import type { Calls } from "../socket-calls.ts";
import { DriverError } from "./driver-error.ts";

export type Handlers<C extends Calls> = {
  readonly [N in keyof C]: (request: Of<C[N][0]>) => Promise<Encodable<Of<C[N][1]>>>;
};

const requestBytesMost = 1024 * 1024;

export const newServer = (): grpc.Server =>
  new grpc.Server({
    "grpc.max_receive_message_length": requestBytesMost,
    "grpc.max_concurrent_streams": 100,
  });

/** Has a server answer the calls of a service that there are handlers for, by our tables. Others are not implemented, as CSI has
 *  it. */
export function serveCalls<C extends Calls>(
  server: grpc.Server,
  service: string,
  {
    calls,
    handlers,
    log,
  }: { readonly calls: C; readonly handlers: Handlers<C>; readonly log: Pick<Log, "warn"> },
): void {
  const same = (bytes: Buffer) => bytes;
  const definition: Record<string, grpc.MethodDefinition<Buffer, Buffer>> = {};
  const implementation: Record<string, grpc.handleUnaryCall<Buffer, Buffer>> = {};
  for (const name of Object.keys(handlers)) {
    const [asked, answered] = calls[name] as readonly [Message<object>, Message<object>];
    const handler = handlers[name] as (request: object) => Promise<object>;
    definition[name] = {
      path: `/${service}/${name}`,
      requestStream: false,
      responseStream: false,
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    };
    implementation[name] = ({ request }, callback) => {
      const answer = async () => Buffer.from(answered.encode(await handler(asked.decode(request))));
      answer().then(
        (bytes) => callback(null, bytes),
        (error: unknown) => callback(statusOf(error, () => log.warn("a call failed", { call: name, error }))),
      );
    };
  }
  server.addService(definition, implementation);
}

function statusOf(error: unknown, unexpected: () => void): Partial<grpc.StatusObject> {
  if (error instanceof DriverError) return { code: grpc.status[error.status], details: error.message };
  if (error instanceof WireError)
    return { code: grpc.status.INVALID_ARGUMENT, details: `the request cannot be read: ${error.message}` };
  unexpected();
  return { code: grpc.status.INTERNAL, details: error instanceof Error ? error.message : String(error) };
}
