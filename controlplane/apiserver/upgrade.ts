import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { Cancellation } from "../../base/cancellation.ts";
import { type ApiError, pathNotFound } from "./api-error.ts";
import { noteDecision } from "./audit/follow.ts";
import { authorize } from "./filters/authorization.ts";
import { identify } from "./filters/identity.ts";
import { header, requestInfo } from "./filters/request-info.ts";
import { admitSession, sessionOptions } from "./handlers/admit-session.ts";
import { logOptions } from "./handlers/log-options.ts";
import { serveLogSocket } from "./handlers/log-socket.ts";
import { authorizeSession } from "./handlers/pod-session.ts";
import { pipeToNode } from "./handlers/pod-stream.ts";
import { podTarget } from "./handlers/pod-target.ts";
import { isProxy, proxyUpgrade } from "./handlers/proxy.ts";
import { plainText } from "./handlers/respond.ts";
import { jsonText } from "./json.ts";
import { newUid } from "./registry/object-meta.ts";
import { type ServerDeps, toApiError } from "./server.ts";
import { RequestRecord } from "./telemetry/request-record.ts";

const streamSubresources = ["exec", "attach", "portforward", "log"] as const;

/** A request to leave HTTP: exec, attach, port forwarding, and logs over WebSocket. Access is checked here; then the bytes of a session go
 *  through to the node's agent and back unread. Never rejects. */
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
  if (late !== undefined) return refuseUpgrade(socket, late.error, late.retryAfterSeconds);
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
    const target = info.resource;
    if (target?.subresource === "proxy") {
      const kind = deps.handlers.kinds.byResource(target.group, target.version, target.plural)?.kind;
      if (kind === undefined || !isProxy(kind, target.subresource)) throw pathNotFound();
      await proxyUpgrade({ request, socket, head }, { info, target, deps: deps.handlers });
      return;
    }
    const stream = streamSubresources.find((one) => one === target?.subresource);
    if (target === undefined || stream === undefined || target.plural !== "pods" || target.hasTail)
      throw pathNotFound();
    const served = deps.handlers.kinds.byResource(target.group, target.version, target.plural);
    if (served === undefined) throw pathNotFound();
    const upgrade = { request, socket, head };
    const asking = { served, target, query: info.query };
    const parts = { target, deps: deps.handlers };
    // Whatever it is to become: the node says what is wrong with the container, or which protocols it speaks.
    if (stream === "log") {
      const options = logOptions(info.query, target.name);
      const pod = await podTarget(asking, deps.handlers);
      trail?.responds(101);
      await serveLogSocket(upgrade, { ...parts, options, pod });
    } else {
      await authorizeSession(authorizer, user, target);
      await admitSession(
        deps.handlers,
        {
          ...asking,
          user,
          cancellation: gone,
          // The answer to an upgrade has no room for them.
          warn: (text) => deps.log.info("about a session", { text }),
          annotate,
        },
        sessionOptions(stream, info.query),
      );
      const pod = await podTarget(asking, deps.handlers);
      trail?.responds(101);
      await pipeToNode(upgrade, { ...parts, query: info.query, pod, stream });
    }
  } catch (error) {
    const known = toApiError(error);
    code = known.code;
    if (known.code === 401) {
      trail?.unknownSender();
      record.authenticated(undefined);
    }
    trail?.status(known.status());
    trail?.responds(known.code);
    refuseUpgrade(socket, known);
  }
}

/** A Status in place of the 101 that the client hoped for. */
function refuseUpgrade(socket: Duplex, known: ApiError, retryAfterSeconds?: number): void {
  const later = retryAfterSeconds === undefined ? "" : `Retry-After: ${retryAfterSeconds}\r\n`;
  const body = known.text ?? jsonText(known.status());
  const type = known.text === undefined ? "application/json" : plainText;
  socket.end(
    `HTTP/1.1 ${known.code} ${STATUS_CODES[known.code] ?? "Error"}\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${later}Connection: close\r\n\r\n${body}`,
  );
}
