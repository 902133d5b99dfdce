import type { IncomingMessage, ServerResponse } from "node:http";
import { grpcStatus } from "../../base/grpc/status.ts";
import type { Log } from "../../base/os/log.ts";
import type { Handlers } from "../rpc/handler.ts";
import type { MemberParts } from "../rpc/member.ts";
import { certificateName } from "../transport/certificate-name.ts";
import { type Access, addCrossOriginHeaders, hostProblem } from "./access.ts";
import { type Answer, failure, json, movedTo, notFound, plain, wrongMethod } from "./answer.ts";
import { serveJsonApi } from "./json-api.ts";
import { canonicalPath, methodAt } from "./paths.ts";
import type { Route } from "./route.ts";

export interface GatewayParts {
  readonly member: Pick<MemberParts, "clock" | "access">;
  readonly log: Log;
  readonly handlers: Handlers;
  readonly maxRequestBytes: number;
  readonly access: Access;
  /** What answers under which path, beside the JSON API. */
  readonly routes: ReadonlyMap<string, Route>;
  /** Whether /v3/ answers (--enable-grpc-gateway). */
  readonly jsonApi: boolean;
}

/** Answers HTTP requests that are not gRPC; to be given to a listener. */
export function gateway(parts: GatewayParts): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const url = urlOf(request);
    const send = ({ status, contentType, body, headers }: Answer) => {
      response.writeHead(status, {
        ...headers,
        ...(contentType !== undefined && { "content-type": contentType }),
      });
      response.end(request.method === "HEAD" ? undefined : body);
    };
    const refused = hostProblem(parts.access, request);
    if (refused === undefined) addCrossOriginHeaders(parts.access, request, response);
    const path = canonicalPath(url?.pathname ?? "");
    const method = parts.jsonApi ? methodAt(path) : undefined;
    if (refused === undefined && method !== undefined && isNamedInVain(request, parts.member)) {
      request.resume();
      send(plain(400, namedInVain));
      return;
    }
    if (refused === undefined && request.method === "POST" && method !== undefined) {
      const { handlers, maxRequestBytes } = parts;
      const nowMs = () => parts.member.clock.monotonicMs();
      // Base64 and names make JSON longer than the message it stands for.
      void serveJsonApi(method, request, response, { handlers, bodyBytesMax: maxRequestBytes * 2, nowMs });
      return;
    }
    request.resume(); // other bodies mean nothing
    if (refused !== undefined) send(plain(421, refused));
    else if (request.method === "OPTIONS") send(plain(200, ""));
    else if (parts.jsonApi && path.startsWith("/v3/")) send(gatewayRefusal(method !== undefined));
    else if (url === undefined) send(notFound);
    else if (parts.jsonApi && path === "/v3") send(movedTo(`/v3/${url.search}`, request.method));
    else
      answerAt(url, request.method, { routes: parts.routes, gone: goneSignal(response) }).then(
        send,
        (error: unknown) => {
          parts.log.warn("request failed", { path: url.pathname, error });
          send(failure(500, "internal error"));
        },
      );
  };
}

/** Aborted when the connection of an answer closes before the answer left. */
function goneSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  return gone.signal;
}

async function answerAt(
  { pathname, searchParams }: URL,
  method: string | undefined,
  { routes, gone }: { readonly routes: ReadonlyMap<string, Route>; readonly gone: AbortSignal },
): Promise<Answer> {
  const route = routes.get(pathname);
  if (route === undefined) return notFound;
  return route.method === "any" || route.method === method
    ? route.answer(searchParams, gone)
    : wrongMethod(route.method);
}

const namedInVain =
  "CommonName of client sending a request against gateway will be ignored and not used as expected\n";

/** Whether a client of the JSON API shows a certificate with a name, and expects to be known by it. */
function isNamedInVain(request: IncomingMessage, { access }: GatewayParts["member"]): boolean {
  return access.isByCertificate && (certificateName(request.socket) ?? "") !== "";
}

/** Undefined for a target that is no path (`//`, `*`). */
function urlOf(request: IncomingMessage): URL | undefined {
  const target = request.url ?? "/";
  return target.startsWith("/") && URL.canParse(`http://member${target}`)
    ? new URL(`http://member${target}`)
    : undefined;
}

/** What grpc-gateway says of a path that is not there, or there for POST only. */
function gatewayRefusal(isThere: boolean): Answer {
  const body = (code: number, message: string) => ({ error: message, code, message });
  if (!isThere) return json(404, body(grpcStatus.NOT_FOUND, "Not Found"));
  return { ...json(405, body(grpcStatus.UNIMPLEMENTED, "Method Not Allowed")), headers: { allow: "POST" } };
}
