import {
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
  request as requestHttp,
} from "node:http";
import { request as requestHttps } from "node:https";
import type { Socket } from "node:net";
import type { Clock } from "../../base/os/clock.ts";
import { answerLimits } from "./answer-parser.ts";
import { tlsOptions } from "./backend-certificate.ts";
import { lowerNames, tellBody } from "./readable-answer.ts";
import type { Endpoint } from "./route.ts";
import type { UpgradeEvents, UpstreamExchange, UpstreamFailure, UpstreamHead } from "./upstream.ts";

/** Asks an endpoint to change its protocol, on a connection of its own. The request has no body. */
export function requestUpgrade(
  { address, port }: Endpoint,
  { method, path, headers, settings }: UpstreamHead,
  protocol: string,
  events: UpgradeEvents,
  clock: Pick<Clock, "after">,
): UpstreamExchange {
  const isTls = settings.protocol.endsWith("s");
  const options: RequestOptions = {
    host: address,
    port,
    method,
    path,
    headers: [...headers, "connection", "Upgrade", "upgrade", protocol] as never,
    setHost: false,
    agent: false,
    timeout: settings.readTimeoutMs,
    maxHeaderSize: answerLimits.headBytesMost,
    ...(isTls && tlsOptions(settings)),
  };
  const request = isTls ? requestHttps(options) : requestHttp(options);
  return follow(request, { isTls, settings }, events, clock);
}

function follow(
  request: ClientRequest,
  { isTls, settings }: Pick<UpstreamHead, "settings"> & { readonly isTls: boolean },
  events: UpgradeEvents,
  clock: Pick<Clock, "after">,
): UpstreamExchange {
  let isConnected = false;
  let isOver = false;
  let body: IncomingMessage | undefined;
  const fail = (kind: UpstreamFailure["kind"], error: Error) => {
    cancelTimer();
    request.destroy();
    if (isOver) return;
    isOver = true;
    events.failed({ kind, error, wasReused: false });
  };
  const cancelTimer = clock.after(settings.connectTimeoutMs, () =>
    fail("connectTimeout", new Error(`no connection within ${settings.connectTimeoutMs} ms`)),
  );
  request.once("socket", (socket: Socket) =>
    socket.once(isTls ? "secureConnect" : "connect", () => {
      cancelTimer();
      isConnected = true;
    }),
  );
  request.on("timeout", () => fail("timeout", new Error(`silent for ${settings.readTimeoutMs} ms`)));
  request.on("error", (error: NodeJS.ErrnoException) =>
    fail(!isConnected ? "connect" : error.code?.startsWith("HPE_") ? "invalid" : "broken", error),
  );
  // As one does that speaks a protocol that nobody asked for.
  request.on("close", () => {
    if (body === undefined) fail("invalid", new Error("there was no answer"));
  });
  request.on("response", (response) => {
    if (isOver) return;
    body = response;
    response.on("error", (error) => fail("broken", error));
    events.answered({ status: response.statusCode ?? 502, headers: lowerNames(response.rawHeaders) });
    const trailers = () => {
      isOver = true;
      return lowerNames(response.rawTrailers);
    };
    tellBody({ body: response, trailers, isOver: () => isOver }, events);
  });
  request.on("upgrade", (response, socket, first) => {
    cancelTimer();
    if (isOver) socket.destroy();
    else events.upgraded(response, socket, first);
    isOver = true;
  });
  request.end();
  return {
    write: () => true,
    end: () => {},
    resume: () => body?.resume(),
    destroy: () => {
      isOver = true;
      cancelTimer();
      request.destroy();
    },
  };
}
