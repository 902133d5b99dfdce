import { headerBlock } from "../http2/header-block.ts";
import { CommonBlock } from "../http2/header-encoder.ts";
import type { Http2Stream } from "../http2/stream.ts";
import { prefixBytes } from "./message-reader.ts";
import { prefixed } from "./prefixed.ts";
import { type GrpcStatus, grpcStatus } from "./status.ts";

/** What a failed call looks like on the wire. */
export interface FailedAnswer {
  readonly status: GrpcStatus;
  readonly message: string;
}

const begin = [
  { name: ":status", value: "200" },
  { name: "content-type", value: "application/grpc" },
];
const accepts = { name: "grpc-accept-encoding", value: "identity,deflate,gzip" };
/** What an answer begins with. */
export const beginBlock = new CommonBlock([...begin, accepts]);
export const okBlock = new CommonBlock([{ name: "grpc-status", value: "0" }]);

/** That of the message which is written just now. */
const prefix = Buffer.alloc(prefixBytes);
const nothing = new Uint8Array(0);

const statusHeaders = ({ status, message }: FailedAnswer) => [
  { name: "grpc-status", value: String(grpcStatus[status]) },
  { name: "grpc-message", value: percentEncoded(message) },
];
export const failureBlock = (failure: FailedAnswer): Buffer => headerBlock(statusHeaders(failure));
/** A failure before anything was sent is one block. */
export const onlyFailureBlock = (failure: FailedAnswer): Buffer =>
  headerBlock([...begin, accepts, ...statusHeaders(failure)]);

/** gRPC's own way: UTF-8, and everything outside of printable ASCII as %XX. So is a space at an end, where HTTP/2 has none. */
function percentEncoded(text: string): string {
  let encoded = "";
  for (const byte of Buffer.from(text))
    encoded +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  return encoded.replace(/^ | $/g, "%20");
}

/** The answer to a unary call at once. False: it does not fit what the client takes now, and nothing was sent. */
export function answerWhole(stream: Http2Stream, message: Uint8Array): boolean {
  prefix.writeUInt32BE(message.length, 1);
  return stream.answer({ begin: beginBlock, prefix, body: message, end: okBlock });
}

/** A message of one part or two. False: the client reads slower than this. */
export function writeMessage(stream: Http2Stream, head: Uint8Array, rest: Uint8Array = nothing): boolean {
  prefix.writeUInt32BE(head.length + rest.length, 1);
  if (stream.writeNow(prefix, head, rest)) return true;
  for (const piece of prefixed(head, rest)) stream.write(piece);
  return stream.hasRoom;
}
