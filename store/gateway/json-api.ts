import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { grpcStatus, StatusError } from "../../base/grpc/status.ts";
import { JsonTextError, parseJsonTexts } from "../../base/json-text.ts";
import { nestedDepthMax } from "../../base/protobuf.ts";
import { fromJson, JsonFormError, toJson } from "../../base/protobuf-json.ts";
import { type Method, methods } from "../../proto/etcd-methods.ts";
import { type Call, type Handlers, type Incoming, joinsParts } from "../rpc/handler.ts";
import { answerOf } from "../rpc/promised-answer.ts";
import { wireStatus } from "../rpc/status.ts";
import { httpReason, httpStatusOf } from "./http-status.ts";
import { eachMessage, readBody } from "./read-body.ts";

export interface JsonApi {
  readonly handlers: Handlers;
  /** Of a message's text. */
  readonly bodyBytesMax: number;
  /** By the monotonic clock. */
  readonly nowMs: () => number;
}

/** A row of `methods`, which differ in their message types; here only their shape as messages matters. */
type AnyMethod = Method<object, object>;
const jsonType = { "content-type": "application/json" };

/** etcd's JSON gateway: POST /v3/… with a message as JSON, answered by the same services that gRPC reaches. Streams answer a
 *  line of JSON a message, `{"result": …}`, until the service or the client ends them. Never rejects. */
export async function serveJsonApi(
  name: keyof typeof methods,
  request: IncomingMessage,
  response: ServerResponse,
  api: JsonApi,
): Promise<void> {
  const method = methods[name] as unknown as AnyMethod;
  const beganMs = api.nowMs();
  const call = { ...askerIn(request.headers), tookMs: () => api.nowMs() - beganMs };
  if (method.kind === "unary") await serveUnary(method, request, response, { api, call });
  else await serveStream(method, request, response, { api, call });
}

/** What a request says of itself besides its message: each header with the prefix stands for metadata of gRPC. The certificate of
 *  its client says nothing, since who is behind a gateway of etcd's cannot show one. */
function askerIn(headers: IncomingHttpHeaders): Pick<Call, "requireLeader" | "token"> {
  const { authorization } = headers;
  const token = [headers["grpc-metadata-token"], authorization, headers["grpc-metadata-authorization"]]
    .flat()
    .find((value) => value !== undefined);
  return { requireLeader: headers["grpc-metadata-hasleader"] === "true", token };
}

interface Served {
  readonly api: JsonApi;
  readonly call: Call;
}

async function serveUnary(
  method: AnyMethod,
  request: IncomingMessage,
  response: ServerResponse,
  { api, call }: Served,
): Promise<void> {
  const leaving = new AbortController();
  response.once("close", () => leaving.abort(new Error("the client went away")));
  try {
    const encoded = encodeOne(method, await readBody(request, api.bodyBytesMax));
    const serve = api.handlers.unary.get(method.path);
    if (serve === undefined) throw unimplemented(method);
    const answer = method.response.decode(
      await answerOf(serve, encoded, { ...call, signal: leaving.signal }),
    );
    response.writeHead(200, jsonType);
    response.end(JSON.stringify(toJson(method.response, answer)));
  } catch (error) {
    const { code, message, status } = failureOf(error);
    answerFailure(request, response, status, { error: message, code, message });
  }
}

async function serveStream(
  method: AnyMethod,
  request: IncomingMessage,
  response: ServerResponse,
  { api, call }: Served,
): Promise<void> {
  let over = false;
  let incoming: Incoming | undefined;
  const begin = () => {
    if (!response.headersSent) response.writeHead(200, jsonType);
  };
  const end = (error?: unknown) => {
    if (over) return;
    over = true;
    if (error === undefined) {
      begin();
      response.end();
    } else endBadly(request, response, error);
  };
  response.on("drain", () => incoming?.drained());
  response.once("close", () => {
    over = true;
    incoming?.closed();
  });
  try {
    const stream = api.handlers.streams.get(method.path);
    if (stream === undefined) throw unimplemented(method);
    const send = (message: Uint8Array) => {
      if (over) return true;
      begin();
      return response.write(
        `${JSON.stringify({ result: toJson(method.response, method.response.decode(message)) })}\n`,
      );
    };
    incoming = stream.handler({ send, sendParts: joinsParts(send), end }, call);
    let taken = 0;
    let underWay = 0;
    let dealtWith: Promise<void> = Promise.resolve();
    // A client is read on when what it asked is dealt with and it reads what it is answered.
    const readOn = () => {
      if (underWay === 0 && !response.writableNeedDrain) request.resume();
    };
    response.on("drain", readOn);
    const take = (text: string) => {
      taken += 1;
      underWay += 1;
      request.pause();
      const message = encodeOne(method, text);
      dealtWith = dealtWith
        .then(() => (over ? undefined : incoming?.message(message)))
        .finally(() => {
          underWay -= 1;
          readOn();
        });
      dealtWith.catch(end);
    };
    await eachMessage(request, api.bodyBytesMax, take);
    // An empty body is an empty message, where one is all that a stream asks for.
    if (taken === 0 && method.kind === "serverStream") take("");
    await dealtWith;
    if (!over) incoming.halfClose();
  } catch (error) {
    end(error);
  }
}

function endBadly(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  const { code, message, status } = failureOf(error);
  // The words of both generations of grpc-gateway.
  const said = { grpc_code: code, http_code: status, message, http_status: httpReason(status), code };
  if (response.headersSent) response.end(`${JSON.stringify({ error: said })}\n`);
  else answerFailure(request, response, status, { error: said });
}

function answerFailure(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  body: object,
): void {
  if (response.destroyed || response.headersSent) return;
  // What is left of a body that nobody wants must not hold up the connection (HTTP/2 has streams for that).
  const unread = !request.complete && request.httpVersionMajor === 1;
  response.writeHead(status, { ...jsonType, ...(unread && { connection: "close" }) });
  response.end(JSON.stringify(body));
}

/** The one message that a text holds; nothing at all is an empty one. */
function encodeOne(method: AnyMethod, text: string): Uint8Array {
  const [value = new Map(), ...more] = parseJsonTexts(text, { depthMax: nestedDepthMax });
  if (more.length > 0) throw new JsonTextError("one message is expected");
  return method.request.encode(fromJson(method.request, value));
}

function unimplemented(method: AnyMethod): StatusError {
  const [, service, name] = method.path.split("/");
  return new StatusError("UNIMPLEMENTED", `unknown method ${name} for service ${service}`);
}

function failureOf(error: unknown): {
  readonly code: number;
  readonly message: string;
  readonly status: number;
} {
  const isText = error instanceof JsonFormError || error instanceof JsonTextError;
  const { status, message } = isText
    ? { status: "INVALID_ARGUMENT" as const, message: `the body is no message: ${error.message}` }
    : wireStatus(error);
  return { code: grpcStatus[status], message, status: httpStatusOf(status) };
}
