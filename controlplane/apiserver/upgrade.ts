import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { Cancellation } from "../../base/cancellation.ts";
import { type ApiError, pathNotFound } from "./api-error.ts";
import { noteDecision } from "./audit/follow.ts";
import { authorize } from "./filters/authorization.ts";
import { identify } from "./filters/identity.ts";
import { refuseLeaseClaim } from "./filters/lease-claim.ts";
import { header, type RequestInfo, requestInfo } from "./filters/request-info.ts";
import { admitSession, sessionOptions } from "./handlers/admit-session.ts";
import type { Call } from "./handlers/call.ts";
import { logOptions } from "./handlers/log-options.ts";
import { serveLogSocket } from "./handlers/log-socket.ts";
import { authorizeSession } from "./handlers/pod-session.ts";
import { pipeToNode, type UpgradeRequest } from "./handlers/pod-stream.ts";
import { podTarget } from "./handlers/pod-target.ts";
import { isProxy, proxyUpgrade } from "./handlers/proxy.ts";
import { plainText, statusBody } from "./handlers/respond.ts";
import { beginWatch } from "./handlers/watch.ts";
import { checkHandshake, serveWatchSocket } from "./handlers/watch-socket.ts";
import { newUid } from "./registry/object-meta.ts";
import { outputOf, type ServerDeps, seatFor, toApiError } from "./server.ts";
import { RequestRecord } from "./telemetry/request-record.ts";

const streamSubresources = ["exec", "attach", "portforward", "log"] as const;

/** Whether a request that wishes for another protocol may get one. Others are answered as if they had no such wish. */
export function mayUpgrade(request: IncomingMessage, { handlers, isElsewhere }: ServerDeps): boolean {
  const info = requestInfo(request.method ?? "GET", request.url ?? "/");
  const { resource: target } = info;
  if (isElsewhere(info)) return true;
  const served = target && handlers.kinds.byResource(target.group, target.version, target.plural);
  if (target === undefined || served === undefined) return false;
  const isForSocket = request.headers.upgrade?.toLowerCase() === "websocket";
  if (target.verb === "watch") return isForSocket;
  if (target.subresource === "proxy") return isProxy(served.kind, target.subresource);
  if (target.plural !== "pods" || target.hasTail) return false;
  if (target.subresource === "log") return isForSocket;
  return streamSubresources.some((one) => one === target.subresource);
}

/** A request to leave HTTP: exec, attach, port forwarding, and logs and watches over WebSocket. Access is checked here; then
 *  the bytes of a session go through to the node's agent and back unread. Never rejects. */
export async function serveUpgrade(
  request: IncomingMessage,
  socket: Duplex,
  { deps, head }: { readonly deps: ServerDeps; readonly head: Buffer },
): Promise<void> {
  socket.on("error", (error) => deps.log.debug("upgraded connection broke", { error }));
  const gone = new Cancellation();
  const onStop = () => socket.destroy();
  const { draining } = deps.shutdown;
  draining.addEventListener("abort", onStop, { once: true });
  const info = requestInfo(request.method ?? "GET", request.url ?? "/");
  const late = deps.shutdown.refusal(info.path, header(request.headers, "user-agent"));
  if (late !== undefined) return refuseUpgrade(request, socket, late.error, late.retryAfterSeconds);
  const auditId = header(request.headers, "audit-id") || newUid(deps.random);
  const record = new RequestRecord(deps.telemetry, { request, info, auditId, isLong: true });
  let code = 101;
  const annotations = new Map<string, string>();
  const annotate = (key: string, value: string) => {
    if (!annotations.has(key)) annotations.set(key, value);
  };
  const trail = deps.audit?.begin({ request, info, auditId, isLong: true, annotations });
  // Others listen, too: one listener for all that is done here.
  socket.once("close", () => {
    gone.cancel(new Error("the client went away"));
    draining.removeEventListener("abort", onStop);
    trail?.completes();
    record.ends(code);
  });
  try {
    const { authorizer } = deps.handlers;
    const user = await identify(request, info, deps.handlers.gate, {
      warn: (text) => deps.log.info("about an upgrade's user", { text }),
      refusal: (why) => deps.log.debug("a credential does not hold", { why, auditId }),
      sender: (sender) => trail?.sentBy(sender),
    });
    record.authenticated(user.name);
    trail?.madeAs(user);
    await authorize(authorizer, user, info, (result, reason) => {
      record.authorized(result);
      noteDecision(annotate, result, reason);
    });
    if (await deps.upgradeElsewhere({ request, socket, head, info, user })) return;
    refuseLeaseClaim(request.headers);
    const responds = () => trail?.responds(101);
    await takeOver(
      { request, socket, head },
      { info, user, cancellation: gone, annotate, responds, record, deps },
    );
  } catch (error) {
    const known = toApiError(error);
    code = known.code;
    if (known.code === 401) {
      trail?.unknownSender();
      record.authenticated(undefined);
    }
    trail?.status(known.status());
    trail?.responds(known.code);
    refuseUpgrade(request, socket, known, known.details?.retryAfterSeconds);
  }
}

interface Takeover extends Pick<Call, "user" | "cancellation" | "annotate"> {
  readonly info: RequestInfo;
  /** Told just before the answer says that it is granted. */
  readonly responds: () => void;
  readonly record: RequestRecord;
  readonly deps: ServerDeps;
}

/** Resolves when the session is over. */
async function takeOver(upgrade: UpgradeRequest, asking: Takeover): Promise<void> {
  const { info, deps } = asking;
  const target = info.resource;
  const served = target && deps.handlers.kinds.byResource(target.group, target.version, target.plural);
  if (target === undefined || served === undefined) throw pathNotFound();
  if (target.verb === "watch") return takeOverWatch(upgrade, asking, { target, served });
  if (target.subresource === "proxy") return proxyUpgrade(upgrade, { info, target, deps: deps.handlers });
  return takeOverPod(upgrade, asking, { target, served });
}

type Asked = Pick<Call, "target" | "served">;

/** Takes a seat until it has begun, as every watch does. */
async function takeOverWatch(upgrade: UpgradeRequest, asking: Takeover, asked: Asked): Promise<void> {
  const { user, info, cancellation, record, deps } = asking;
  // The answer to an upgrade has no room for headers.
  const seat = await seatFor({ user, info, cancellation, setHeader: () => {} }, record, deps);
  try {
    await serveWatch(upgrade, asking, { ...asked, begun: () => seat.leave() });
  } finally {
    seat.end();
  }
}

async function serveWatch(
  upgrade: UpgradeRequest,
  { info, responds, deps, record: _, ...asking }: Takeover,
  asked: Asked & Pick<Call, "begun">,
): Promise<void> {
  const { request } = upgrade;
  const output = outputOf(request, info, asked);
  const call = { ...asking, ...asked, query: info.query, headers: request.headers, output };
  const watching = await beginWatch(
    {
      ...{ ...call, body: Buffer.alloc(0) },
      // The answer to an upgrade has no room for them.
      warn: (text) => deps.log.info("about a watch", { text }),
    },
    deps.handlers,
  );
  checkHandshake(request);
  responds();
  await serveWatchSocket(upgrade, watching);
}

/** Whatever it is to become: the node says what is wrong with the container, or which protocols it speaks. */
async function takeOverPod(
  upgrade: UpgradeRequest,
  { info, user, cancellation, annotate, responds, deps: { handlers, log } }: Takeover,
  { target, served }: Asked,
): Promise<void> {
  const { query } = info;
  const stream = streamSubresources.find((one) => one === target.subresource);
  if (stream === undefined) throw pathNotFound();
  const asking = { served, target, query };
  if (stream === "log") {
    const options = logOptions(query, target.name);
    const pod = await podTarget(asking, handlers);
    responds();
    return serveLogSocket(upgrade, { target, deps: handlers, options, pod });
  }
  await authorizeSession(handlers.authorizer, user, target);
  const warn = (text: string) => log.info("about a session", { text });
  await admitSession(
    handlers,
    { ...asking, user, cancellation, warn, annotate },
    sessionOptions(stream, query),
  );
  const pod = await podTarget(asking, handlers);
  responds();
  await pipeToNode(upgrade, { target, deps: handlers, query, pod, stream });
}

/** A Status in place of the 101 that the client hoped for. */
function refuseUpgrade(
  request: IncomingMessage,
  socket: Duplex,
  known: ApiError,
  retryAfterSeconds?: number,
): void {
  const later = retryAfterSeconds === undefined ? "" : `Retry-After: ${retryAfterSeconds}\r\n`;
  const { contentType, body } =
    known.text === undefined ? statusBody(request, known) : { contentType: plainText, body: known.text };
  socket.write(
    `HTTP/1.1 ${known.code} ${STATUS_CODES[known.code] ?? "Error"}\r\nContent-Type: ${contentType}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${later}Connection: close\r\n\r\n`,
  );
  socket.end(body);
}
