import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from "node:http2";
import type { Clock } from "../../base/os/clock.ts";
import { tlsKey, tlsOptions } from "./backend-certificate.ts";
import { tellBody } from "./readable-answer.ts";
import type { Endpoint } from "./route.ts";
import type {
  Upstream,
  UpstreamEvents,
  UpstreamExchange,
  UpstreamFailure,
  UpstreamHead,
} from "./upstream.ts";

/** Node makes objects of pushed streams otherwise; nobody here wants any. */
const settings = { enablePush: false, initialWindowSize: 256 * 1024, maxHeaderListSize: 64 * 1024 } as const;
const connectionWindowBytes = 4 * 1024 * 1024;
const idleMs = 60_000;

interface Way {
  readonly session: ClientHttp2Session;
  isConnected: boolean;
}

/** Endpoints that speak HTTP/2, as gRPC's do: one connection each, for all requests. */
export class Http2Upstream implements Upstream {
  readonly #clock: Pick<Clock, "after">;
  readonly #isTls: boolean;
  readonly #ways = new Map<string, Way>();

  constructor(clock: Pick<Clock, "after">, options: { readonly isTls: boolean }) {
    this.#clock = clock;
    this.#isTls = options.isTls;
  }

  send(endpoint: Endpoint, head: UpstreamHead, events: UpstreamEvents): UpstreamExchange {
    const way = this.#wayTo(endpoint, head);
    const stream = way.session.request(requestHeaders(head, this.#isTls ? "https" : "http"), {
      endStream: !head.hasBody,
    });
    const wasReused = way.isConnected;
    let isOver = false;
    let trailers: readonly string[] = [];
    let timedOut: UpstreamFailure["kind"] | undefined;
    let cancelTimer = () => {};
    const connected = () => {
      cancelTimer();
      if (!isOver) events.connected();
    };
    const fail = (error: Error) => {
      cancelTimer();
      if (isOver) return;
      isOver = true;
      const isInvalid = stream.rstCode === constants.NGHTTP2_PROTOCOL_ERROR;
      const kind = timedOut ?? (!way.isConnected ? "connect" : isInvalid ? "invalid" : "broken");
      events.failed({ kind, error, wasReused });
    };
    if (way.isConnected) process.nextTick(connected);
    else {
      way.session.once("connect", connected);
      cancelTimer = this.#clock.after(head.settings.connectTimeoutMs, () => {
        timedOut = "connectTimeout";
        way.session.destroy(new Error(`no connection within ${head.settings.connectTimeoutMs} ms`));
      });
    }
    stream.setTimeout(head.settings.readTimeoutMs, () => {
      timedOut ??= "timeout";
      stream.destroy(new Error(`silent for ${head.settings.readTimeoutMs} ms`));
    });
    stream.on("response", (headers) => {
      if (isOver) return;
      events.answered({ status: Number(headers[":status"] ?? 502), headers: flat(headers) });
      const told = () => {
        isOver = true; // its close is no failure then
        return trailers;
      };
      tellBody({ body: stream, trailers: told, isOver: () => isOver }, events);
    });
    stream.on("trailers", (headers) => {
      trailers = flat(headers);
    });
    stream.on("drain", () => events.drained());
    stream.on("error", fail);
    stream.on("close", () => fail(new Error("the endpoint ended the stream")));
    return {
      write: (bytes) => stream.write(bytes),
      end: () => void stream.end(),
      resume: () => void stream.resume(),
      destroy: () => {
        isOver = true;
        cancelTimer();
        stream.close(constants.NGHTTP2_CANCEL);
      },
    };
  }

  close(): void {
    for (const { session } of this.#ways.values()) session.destroy();
  }

  #wayTo({ address, port }: Endpoint, { settings: wanted }: UpstreamHead): Way {
    const host = address.includes(":") ? `[${address}]` : address;
    const key = `${host}:${port} ${this.#isTls ? tlsKey(wanted) : ""}`;
    const known = this.#ways.get(key);
    if (known !== undefined && !known.session.closed && !known.session.destroyed) return known;
    const session = connect(`${this.#isTls ? "https" : "http"}://${host}:${port}`, {
      settings,
      ...(this.#isTls && {
        ...tlsOptions(wanted),
        ALPNProtocols: ["h2"],
      }),
    });
    const way: Way = { session, isConnected: false };
    session.once("connect", () => {
      way.isConnected = true;
      session.setLocalWindowSize(connectionWindowBytes);
    });
    session.setTimeout(idleMs, () => session.close());
    const forget = () => {
      if (this.#ways.get(key) === way) this.#ways.delete(key);
    };
    // Each of its streams hears of it by itself.
    session.on("error", forget);
    session.on("goaway", forget);
    session.on("close", forget);
    session.unref();
    this.#ways.set(key, way);
    return way;
  }
}

function requestHeaders(
  { method, path, headers, bodyBytes }: UpstreamHead,
  scheme: string,
): Record<string, string | string[]> {
  const made: Record<string, string | string[]> = Object.create(null);
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const [name = "", value = ""] = [headers[at], headers[at + 1]];
    const key = name === "host" ? ":authority" : name;
    const before = made[key];
    made[key] = before === undefined ? value : [before, value].flat();
  }
  if (bodyBytes !== undefined) made["content-length"] = String(bodyBytes);
  return Object.assign(made, { ":method": method, ":path": path, ":scheme": scheme });
}

function flat(headers: IncomingHttpHeaders): readonly string[] {
  const made: string[] = [];
  for (const [name, value] of Object.entries(headers))
    if (!name.startsWith(":") && value !== undefined)
      for (const one of typeof value === "string" ? [value] : value) made.push(name, one);
  return made;
}
