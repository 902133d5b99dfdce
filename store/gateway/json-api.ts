import type { IncomingMessage, ServerResponse } from "node:http";
import { text as streamText } from "node:stream/consumers";
import { fromJson, JsonFormError, toJson } from "../../base/protobuf-json.ts";
import { type Method, methods } from "../../proto/etcd-methods.ts";
import { type GrpcStatus, grpcStatus } from "../errors.ts";
import type { Handlers } from "../rpc/handler.ts";
import { wireStatus } from "../rpc/status.ts";

/** etcd's JSON gateway: POST /v3/… with a message as JSON, answered by the same services that gRPC reaches. Streams answer a
 *  line of JSON a message, `{"result": …}`, until the client hangs up. */
const paths: Readonly<Record<string, keyof typeof methods>> = {
  "/v3/kv/range": "range",
  "/v3/kv/put": "put",
  "/v3/kv/deleterange": "deleteRange",
  "/v3/kv/txn": "txn",
  "/v3/kv/compaction": "compact",
  "/v3/watch": "watch",
  "/v3/lease/grant": "leaseGrant",
  "/v3/lease/revoke": "leaseRevoke",
  "/v3/kv/lease/revoke": "leaseRevoke",
  "/v3/lease/keepalive": "leaseKeepAlive",
  "/v3/lease/timetolive": "leaseTimeToLive",
  "/v3/kv/lease/timetolive": "leaseTimeToLive",
  "/v3/lease/leases": "leaseLeases",
  "/v3/kv/lease/leases": "leaseLeases",
  "/v3/cluster/member/add": "memberAdd",
  "/v3/cluster/member/remove": "memberRemove",
  "/v3/cluster/member/update": "memberUpdate",
  "/v3/cluster/member/list": "memberList",
  "/v3/cluster/member/promote": "memberPromote",
  "/v3/maintenance/alarm": "alarm",
  "/v3/maintenance/status": "status",
  "/v3/maintenance/defragment": "defragment",
  "/v3/maintenance/hash": "hashKv",
  "/v3/maintenance/transfer-leadership": "moveLeader",
};

/** Names that etcd's .proto does not write in snake case. */
const kept: Readonly<Record<string, string>> = {
  id: "ID",
  ttl: "TTL",
  grantedTtl: "grantedTTL",
  peerUrls: "peerURLs",
  clientUrls: "clientURLs",
  targetId: "targetID",
  dbSize: "dbSize",
  dbSizeInUse: "dbSizeInUse",
  dbSizeQuota: "dbSizeQuota",
  raftIndex: "raftIndex",
  raftAppliedIndex: "raftAppliedIndex",
  isLearner: "isLearner",
  storageVersion: "storageVersion",
};
const nameOf = (field: string) =>
  kept[field] ?? field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** grpc-gateway's mapping of codes to HTTP. */
const httpStatus: Readonly<Partial<Record<GrpcStatus, number>>> = {
  OK: 200,
  CANCELLED: 408,
  INVALID_ARGUMENT: 400,
  OUT_OF_RANGE: 400,
  FAILED_PRECONDITION: 400,
  DEADLINE_EXCEEDED: 504,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  ABORTED: 409,
  PERMISSION_DENIED: 403,
  UNAUTHENTICATED: 401,
  RESOURCE_EXHAUSTED: 429,
  UNIMPLEMENTED: 501,
  UNAVAILABLE: 503,
};

export function isJsonApi(path: string): boolean {
  return Object.hasOwn(paths, canonical(path));
}

const canonical = (path: string) => path.replace(/^\/v3(alpha|beta)\//, "/v3/");

export async function serveJsonApi(
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  options: { readonly handlers: Handlers; readonly bodyBytesMost: number },
): Promise<void> {
  const name = paths[canonical(path)];
  if (name === undefined) throw new Error(`${path} is not served`);
  // The table's rows differ in their message types; here only their shape as messages matters.
  const method = methods[name] as unknown as Method<object, object>;
  const call = { requireLeader: request.headers["grpc-metadata-hasleader"] === "true" };
  const fail = (error: unknown) => {
    const { code, message } =
      error instanceof JsonFormError
        ? { code: "INVALID_ARGUMENT" as const, message: error.message }
        : describe(error);
    if (response.headersSent)
      response.end(`${JSON.stringify({ error: { grpc_code: grpcStatus[code], message } })}\n`);
    else {
      response.writeHead(httpStatus[code] ?? 500, { "content-type": "application/json" });
      response.end(JSON.stringify({ error: message, code: grpcStatus[code], message }));
    }
  };
  try {
    const bodies = parseBodies(await boundedText(request, options.bodyBytesMost));
    const encoded = bodies.map((body) => method.request.encode(fromJson(method.request, body, nameOf)));
    const unary = options.handlers.unary.get(method.path);
    if (unary !== undefined) {
      const answer = await unary(encoded[0] ?? new Uint8Array(0), call);
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify(toJson(method.response, method.response.decode(answer), nameOf)));
      return;
    }
    const stream = options.handlers.streams.get(method.path);
    if (stream === undefined) throw new JsonFormError(`${path} is not served as JSON`);
    response.writeHead(200, { "content-type": "application/json" });
    const incoming = stream.handler(
      {
        send: (message) =>
          response.write(
            `${JSON.stringify({ result: toJson(method.response, method.response.decode(message), nameOf) })}\n`,
          ),
        end: (error) => (error === undefined ? response.end() : fail(error)),
      },
      call,
    );
    response.on("drain", () => incoming.drained());
    response.once("close", () => incoming.closed());
    for (const message of encoded) incoming.message(message);
    // A watch goes on after its one request; keep-alives end with theirs.
    if (name !== "watch") incoming.halfClose();
  } catch (error) {
    fail(error);
  }
}

function describe(error: unknown): { readonly code: GrpcStatus; readonly message: string } {
  const { status, message } = wireStatus(error);
  return { code: status, message };
}

async function boundedText(request: IncomingMessage, bytesMost: number): Promise<string> {
  if (Number(request.headers["content-length"] ?? 0) > bytesMost)
    throw new JsonFormError(`the body is larger than ${bytesMost} bytes`);
  let seen = 0;
  request.on("data", (chunk: Buffer) => {
    seen += chunk.length;
    if (seen > bytesMost) request.destroy(new JsonFormError(`the body is larger than ${bytesMost} bytes`));
  });
  return await streamText(request);
}

/** One JSON value or, for streams, several, a line each. */
function parseBodies(body: string): unknown[] {
  if (body.trim() === "") return [{}];
  try {
    return [JSON.parse(body)];
  } catch {
    try {
      return body
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown);
    } catch (error) {
      throw new JsonFormError(`the body is not JSON: ${error instanceof Error ? error.message : error}`);
    }
  }
}
