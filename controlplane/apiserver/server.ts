import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { Cancellation } from "../../base/cancellation.ts";
import { goQuoted } from "../../base/go-text.ts";
import type { HttpResponse } from "../../base/http2/http-response.ts";
import type { Clock } from "../../base/os/clock.ts";
import type { Log } from "../../base/os/log.ts";
import type { Random } from "../../base/os/random.ts";
import type { KubeObject } from "../../client/types.ts";
import {
  ApiError,
  internalError,
  methodNotAllowed,
  pathNotFound,
  resourceNotFound,
  serviceUnavailable,
  timedOut,
} from "./api-error.ts";
import type { Audit } from "./audit/compose.ts";
import { followAnswer, noteDecision } from "./audit/follow.ts";
import type { AuditTrail } from "./audit/trail.ts";
import { type PlainDeps, plainRoute } from "./discovery/plain-routes.ts";
import type { User } from "./filters/authentication.ts";
import { authorize } from "./filters/authorization.ts";
import type { Authorizer } from "./filters/authorizer.ts";
import type { BodiesUnderWay } from "./filters/bodies-under-way.ts";
import { identify } from "./filters/identity.ts";
import { leaseClaim, refuseLeaseClaim } from "./filters/lease-claim.ts";
import { RequestBody } from "./filters/request-body.ts";
import { header, isLongRunning, type RequestInfo, requestInfo } from "./filters/request-info.ts";
import { timeoutOf } from "./filters/request-timeout.ts";
import type { Asking, Seat, Seats } from "./filters/seats.ts";
import { createBinding } from "./handlers/binding.ts";
import type { Answer, Call, Handler, HandlerDeps } from "./handlers/call.ts";
import { convertedAnswer } from "./handlers/converted-answer.ts";
import { bodyValue } from "./handlers/decode-body.ts";
import { mediaTypes, negotiate, type Output, plainOutput, routedTypes } from "./handlers/negotiate.ts";
import { isProxy, proxyRequest } from "./handlers/proxy.ts";
import { isForPeople } from "./handlers/reader.ts";
import { answerBytes, answerText, send, sendError } from "./handlers/respond.ts";
import { handlerFor, isStream, showsTables } from "./handlers/route.ts";
import { sendParts } from "./handlers/send-parts.ts";
import { objectOf } from "./json.ts";
import { newUid } from "./registry/object-meta.ts";

import { StorageError, UnreadableValue } from "./registry/storage.ts";
import type { Refusal, Shutdown } from "./shutdown/shutdown.ts";
import { type RecordDeps, RequestRecord } from "./telemetry/request-record.ts";
import { inRequestSpan, inVerbSpan } from "./telemetry/request-tracing.ts";
import { loud } from "./telemetry/verbosity.ts";

export interface ServerDeps {
  readonly handlers: HandlerDeps;
  readonly plain: PlainDeps;
  /** Asked before this server's own kinds. */
  readonly delegates: readonly Delegate[];
  /** Asked the same for connections that are to be taken over; false leaves them to this server. */
  readonly upgradeElsewhere: (upgrade: UpgradeElsewhere) => Promise<boolean>;
  /** Whether another server serves what is asked for. */
  readonly isElsewhere: (info: RequestInfo) => boolean;
  /** Bounds the requests under way. */
  readonly seats: Seats;
  readonly bodies: BodiesUnderWay;
  readonly telemetry: RecordDeps;
  /** Absent: nobody reads of requests. */
  readonly audit: Audit | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly shutdown: Shutdown;
}

/** One request from its head to its last byte: who, what, may they, how many at once, then the handler; whatever is
 *  thrown on the way becomes a Status. Never rejects. */
export async function serve(
  request: IncomingMessage,
  response: HttpResponse,
  deps: ServerDeps,
): Promise<void> {
  const info = requestInfo(request.method ?? "GET", request.url ?? "/");
  const auditId = header(request.headers, "audit-id") || newUid(deps.random);
  response.setHeader("Audit-Id", auditId);
  const late = deps.shutdown.refusal(info.path, header(request.headers, "user-agent"));
  if (late !== undefined) return refuseLate(request, response, late);
  if (info.flaw !== undefined) return sendError(request, response, misread(request.url ?? "", info.flaw));
  const cancellation = new Cancellation();
  const body = new RequestBody(request, { cancellation, underWay: deps.bodies });
  const long = isLongRunning(info);
  const kind = info.resource?.verb === "watch" ? "watch" : long ? "lasting" : "short";
  const leave = deps.shutdown.enter({ kind, response, end: (reason) => cancellation.cancel(reason) });
  let isAnswered = false;
  let cancelDeadline = () => {};
  const onClose = () => {
    leave();
    cancelDeadline();
    if (!isAnswered) cancellation.cancel(new Error("the client went away"));
  };
  response.on("close", onClose);
  // An answer that waits behind another does not hear that its connection is gone; its request does.
  request.on("close", () => {
    if (request.socket.destroyed) onClose();
  });
  const { verbosity } = deps.telemetry.config;
  const { tracer } = deps.handlers;
  const startMs = tracer?.nowMs() ?? 0;
  const record = new RequestRecord(deps.telemetry, { request, info, auditId, isLong: long });
  let seat: Seat | undefined;
  const annotations = new Map<string, string>();
  // The first word on something holds, as in Kubernetes.
  const annotate = (key: string, value: string) => {
    if (!annotations.has(key)) annotations.set(key, value);
  };
  const trail = deps.audit?.begin({ request, info, auditId, isLong: long, annotations });
  if (trail !== undefined) followAnswer(response, trail);
  try {
    if (!long) {
      const late = () => {
        // Who does not take the answer by then may not have it.
        if (response.writableEnded) return void response.destroy();
        record.terminated(504);
        cancellation.cancel(timedOut("request did not complete within the allotted timeout"));
      };
      cancelDeadline = deps.clock.after(timeoutOf(info.query), late);
    }
    const { authorizer } = deps.handlers;
    const user = await identify(request, info, deps.handlers.gate, {
      warn: (text) => warn(response, text),
      refusal: (why) =>
        loud(deps.log, "refusals", verbosity).debug("a credential does not hold", { why, auditId }),
      // A connection of HTTP/2 is dear (CVE-2023-44487): strangers get one for a single request, as with Kubernetes.
      stranger: () => {
        if (request.httpVersionMajor === 2) response.shouldKeepAlive = false;
      },
      sender: (sender, certificate) => {
        if (certificate) record.hasCertificate(certificate.notAfterMs - deps.clock.wallMs());
        return trail?.sentBy(sender);
      },
      deciding: (mode) => record.deciding(mode),
      impersonated: (mode, decision) => record.impersonated(mode, decision),
    });
    record.authenticated(user.name);
    trail?.madeAs(user);
    const answered = async () => {
      await authorize(authorizer, user, info, (result, reason) => {
        record.authorized(result);
        noteDecision(annotate, result, reason);
      });
      const setHeader = (name: string, value: string) => void response.setHeader(name, value);
      const enter = async () => {
        if (!takesSeat(info)) return () => {};
        seat = await seatFor({ user, info, cancellation, setHeader }, record, deps);
        return seat.leave;
      };
      const exchange = { request, response, info, user, body, cancellation, enter, annotate, trail, record };
      await dispatch(exchange, deps);
    };
    if (tracer === undefined) await answered();
    else await inRequestSpan(tracer, { request, response, info, auditId, user, startMs }, answered);
  } catch (error) {
    const { reason } = cancellation;
    await refuse(request, response, reason instanceof ApiError ? reason : error, {
      deps,
      auditId,
      body,
      trail,
      record,
    });
  } finally {
    trail?.completes();
    seat?.end();
    isAnswered = true;
    record.ends(response.statusCode);
    if (annotations.size > 0)
      loud(deps.log, "handshakes", verbosity).debug("audit annotations", () => ({
        auditId,
        ...Object.fromEntries(annotations),
      }));
  }
}

/** Waits for a seat; who is too many is counted. */
export async function seatFor(
  asking: Asking,
  record: RequestRecord,
  { seats, clock }: Pick<ServerDeps, "seats" | "clock">,
): Promise<Seat> {
  const startedMs = clock.monotonicMs();
  try {
    return await seats.enter(asking);
  } catch (error) {
    if (error instanceof ApiError && error.code === 429) record.terminated(429);
    throw error;
  } finally {
    record.waited(clock.monotonicMs() - startedMs);
    record.step("seated");
  }
}

/** In plain text, before anybody asks who sends it. */
function misread(url: string, flaw: string): ApiError {
  const said = `Internal Server Error: ${goQuoted(url)}: failed to create RequestInfo: ${flaw}`;
  const text = said.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return new ApiError(500, "InternalError", text, undefined, {}, `${text}\n`);
}

/** Nobody looks any more at what is asked. */
function refuseLate(request: IncomingMessage, response: HttpResponse, late: Refusal): Promise<void> {
  response.shouldKeepAlive = false;
  response.setHeader("Retry-After", late.retryAfterSeconds);
  return sendError(request, response, late.error);
}

/** What lasts takes none, but for watches, which take one until they have begun. */
function takesSeat(info: RequestInfo): boolean {
  return info.resource?.verb === "watch" || !isLongRunning(info);
}

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: HttpResponse;
  readonly info: RequestInfo;
  readonly user: User;
  readonly body: RequestBody;
  readonly cancellation: Cancellation;
  /** Takes a place among the requests under way, until the request is over or what is returned is called. Fails with 429. */
  readonly enter: () => Promise<() => void>;
  readonly annotate: (key: string, value: string) => void;
  readonly trail: AuditTrail | undefined;
  readonly record: RequestRecord;
}

export interface UpgradeElsewhere extends Pick<Exchange, "request" | "info" | "user"> {
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** Serves a request that is its own; undefined leaves it to the next in line. */
export type Delegate = (exchange: Exchange, deps: ServerDeps) => Promise<void> | undefined;

/** In this order: who serves a group of its own, the kinds (built in or defined), what is answered and not stored. */
function dispatch(exchange: Exchange, deps: ServerDeps): Promise<void> {
  for (const delegate of deps.delegates) {
    const served = delegate(exchange, deps);
    if (served !== undefined) return served;
  }
  const served = paths(exchange, deps) ?? kinds(exchange, deps) ?? bindings(exchange, deps);
  if (served !== undefined) return served;
  const { group = "" } = exchange.info.resource ?? {};
  // A group of which nothing is built in has the paths that definitions say, and no others.
  const isBuiltIn = deps.handlers.kinds.served.some((one) => one.group === group && one.schema === undefined);
  throw isBuiltIn ? resourceNotFound() : pathNotFound();
}

/** Health, metrics, discovery, schemas: everything that is no resource. */
const paths: Delegate = (exchange, deps) =>
  exchange.info.resource === undefined ? servePath(exchange, deps) : undefined;

async function servePath({ request, response, info, enter }: Exchange, deps: ServerDeps): Promise<void> {
  refuseLeaseClaim(request.headers);
  await enter();
  const asked = {
    method: info.method,
    headers: request.headers,
    accept: header(request.headers, "accept"),
    known: header(request.headers, "if-none-match"),
    forPeople: isForPeople(info.query, header(request.headers, "user-agent")),
  };
  const answer = await plainRoute(info, asked, deps.plain);
  await send(request, response, answer);
}

/** For a patch of another type Kubernetes finds no route, and so does not know what is deprecated there. */
const patchType = /^application\/((json|merge|strategic-merge)-patch\+json|apply-patch\+yaml)\s*(;|$)/;

const kinds: Delegate = (exchange, deps) => {
  const { resource: target } = exchange.info;
  const served = target && deps.handlers.kinds.byResource(target.group, target.version, target.plural);
  if (target === undefined || served === undefined) return undefined;
  const proxies = isProxy(served.kind, target.subresource);
  if (target.hasTail && !proxies) return undefined;
  const handler = proxies ? undefined : handlerFor(served, target);
  const { method, headers } = exchange.request;
  const isRouted = method !== "PATCH" || patchType.test(header(headers, "content-type"));
  if (served.deprecation !== undefined && isRouted) {
    warn(exchange.response, served.deprecation);
    exchange.record.isDeprecated();
  }
  if (handler !== undefined) return handle(exchange, deps, { target, served, handler });
  // Nothing of what is proxied is read here, and it may last.
  const { request, response, info } = exchange;
  refuseLeaseClaim(request.headers);
  const { signal } = exchange.cancellation;
  return proxyRequest(request, response, { info, target, deps: deps.handlers, signal });
};

/** POST …/bindings, which stand in no store: a pod's node, given by the name in the body. */
const bindings: Delegate = (exchange, deps) => {
  const { resource: target, method } = exchange.info;
  if (target === undefined || target.group !== "" || target.plural !== "bindings") return undefined;
  const served = deps.handlers.kinds.byResource("", target.version, "pods");
  if (served === undefined || target.namespace === "") return undefined;
  if (method !== "POST" || target.name !== "") throw methodNotAllowed();
  return handle(exchange, deps, { target, served, handler: createBinding });
};

interface Handling extends Pick<Call, "target" | "served"> {
  readonly handler: Handler;
}

async function handle(
  exchange: Exchange,
  deps: ServerDeps,
  { target, served, handler }: Handling,
): Promise<void> {
  // Whoever sends slowly must not keep others out: a place is taken once the body is there.
  const body = bodiless.has(exchange.info.method) ? noBody : await exchange.body.read();
  if (body.length > 0)
    exchange.trail?.body(() =>
      bodyValue(body, header(exchange.request.headers, "content-type"), deps.handlers.schemas),
    );
  exchange.record.hasBody(body.length);
  exchange.record.step("body read");
  const claim = await claimOf(exchange, target, deps.handlers.authorizer);
  const begun = await exchange.enter();
  const call = makeCall(exchange, { target, served, body, begun, ...(claim && { claim }) });
  const answer = await inVerbSpan(exchange.info, () => handler(call, deps.handlers));
  await deps.handlers.fence.prove(claim);
  exchange.record.step("handled");
  await reply(exchange, deps, { call, answer });
}

/** Waits for nothing where there is none. */
function claimOf({ request, user, info }: Exchange, target: Call["target"], authorizer: Authorizer) {
  if (bodiless.has(info.method) || isStream(target)) return refuseLeaseClaim(request.headers);
  return leaseClaim(request.headers, user, authorizer);
}

const bodiless: ReadonlySet<string> = new Set(["GET", "HEAD"]);

const noBody = new Uint8Array(0);

function makeCall(
  exchange: Exchange,
  { target, served, body, begun, claim }: Pick<Call, "target" | "served" | "body" | "begun" | "claim">,
): Call {
  const { request, response, info, user, cancellation } = exchange;
  const output = outputOf(request, info, { served, target });
  return {
    target,
    served,
    query: info.query,
    headers: request.headers,
    user,
    output,
    cancellation,
    body,
    begun,
    ...(claim && { claim }),
    warn: (text) => warn(response, text),
    annotate: exchange.annotate,
    waited: (ms) => exchange.record.waited(ms),
  };
}

/** The form that is accepted of an answer; fails with 406. */
export function outputOf(
  { headers }: IncomingMessage,
  { query }: RequestInfo,
  { served, target }: Pick<Call, "served" | "target">,
): Output {
  // Logs and sessions are no objects, whatever the client accepts.
  if (isStream(target)) return plainOutput;
  const isCustom = served.schema !== undefined;
  const isList = target.verb === "list" || target.verb === "watch";
  return negotiate(header(headers, "accept"), {
    tables: showsTables(served, target),
    metadata: true,
    protobuf: !isCustom,
    forPeople: isForPeople(query, header(headers, "user-agent")),
    ...(!isCustom && { routed: routedTypes(isList) }),
  });
}

/** What all warnings of an answer may say. */
const warningCharactersMax = 4096;

/** Each text once, as far as there is room. */
function warn(response: HttpResponse, text: string): void {
  const quoted = text.replaceAll(/[\\"]/g, "\\$&").replaceAll(/[^\x20-\x7e]/g, " ");
  const line = `299 - "${quoted}"`;
  const before = [response.getHeader("Warning") ?? []].flat().map(String);
  if (before.includes(line) || response.headersSent) return;
  if (before.join("").length + line.length > warningCharactersMax) return;
  response.appendHeader("Warning", line);
}

async function reply(
  exchange: Exchange,
  deps: ServerDeps,
  { call, answer: given }: { call: Call; answer: Answer },
): Promise<void> {
  const { request, response } = exchange;
  if (given.type === "stream") return given.run(request, response);
  const nowMs = deps.clock.wallMs();
  const { answer, served } = await convertedAnswer(given, call.served);
  const { encodings, own } = deps.handlers.hub;
  const storedAs = (object: KubeObject) => own.storedAs(object);
  const shown = { served, output: call.output, query: call.query, nowMs, encodings, storedAs };
  const body = await answerBytes(answer, shown);
  if (answer.type === "json") exchange.trail?.status(objectOf(answer.body));
  else if (exchange.trail?.wantsResponse) exchange.trail.answer(answerText(answer, shown));
  const contentType = mediaTypes[call.output.format];
  const code = answer.type === "list" ? 200 : answer.code;
  if (typeof body === "string" || body instanceof Uint8Array) {
    exchange.record.hasAnswer(body.length);
    return send(request, response, { code, contentType, body });
  }
  const parts = counted(body, (bytes) => exchange.record.hasAnswer(bytes));
  await sendParts(request, response, { code, contentType, parts }, call.cancellation.signal);
}

function* counted(parts: Iterable<Uint8Array>, tell: (bytes: number) => void): Generator<Uint8Array> {
  let bytes = 0;
  for (const part of parts) {
    bytes += part.length;
    yield part;
  }
  tell(bytes);
}

async function refuse(
  request: IncomingMessage,
  response: HttpResponse,
  error: unknown,
  {
    deps,
    auditId,
    body,
    trail,
    record,
  }: { readonly deps: ServerDeps; readonly auditId: string } & Pick<Exchange, "body" | "trail" | "record">,
): Promise<void> {
  const known = toApiError(error);
  if (known.code === 500 && !response.destroyed)
    deps.log.error("request failed", { method: request.method, url: request.url, auditId, error });
  if (known.code === 401) {
    trail?.unknownSender();
    record.authenticated(undefined);
  }
  trail?.status(known.status());
  if (isOurs(error)) trail?.panics(known.message);
  if (response.headersSent || response.destroyed) {
    if (!response.destroyed) record.aborted();
    response.destroy();
    return;
  }
  // What is left of a body that nobody reads would be taken for the next request; HTTP/2 ends the stream.
  if (body.isLeft && request.httpVersionMajor === 1) response.setHeader("Connection", "close");
  await sendError(request, response, known);
}

/** Neither the client's fault nor the store's. */
const isOurs = (error: unknown) =>
  !(error instanceof ApiError || error instanceof StorageError || error instanceof UnreadableValue);

/** What a client is told of anything that can go wrong. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof StorageError) {
    if (error.code === "unavailable") return serviceUnavailable(error.message);
    if (error.code === "unknown") return timedOut(error.message);
  }
  return internalError(error instanceof Error ? error.message : String(error));
}
