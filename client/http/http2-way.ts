import { isIP, type Socket } from "node:net";
import { connect } from "node:tls";
import { ClientChannel } from "../../base/http2/client-channel.ts";
import { type ClientLimits, requestsMost } from "../../base/http2/client-connection.ts";
import type { Header } from "../../base/http2/header.ts";
import { headerBlock } from "../../base/http2/header-block.ts";
import type { Clock } from "../../base/os/clock.ts";
import { systemRandom } from "../../base/os/random.ts";
import type { RestConfig } from "../kubeconfig.ts";
import { Http2Exchange } from "./http2-exchange.ts";
import {
  type HttpAnswer,
  type HttpRequest,
  type HttpWay,
  type RequestHeaders,
  transportLimits,
} from "./request.ts";
import { tlsOptions } from "./tls-options.ts";

const limits: ClientLimits = {
  streamWindowBytes: 1 << 20,
  connectionWindowBytes: 16 << 20,
  headerListBytesMost: 64 << 10,
  requestsMost,
  // As Kubernetes' clients: a server that is asked something and says nothing is asked whether it is there.
  silence: { silentMostMs: 30_000, answerWithinMs: 15_000 },
};
/** Others are tried meanwhile; whoever asks waits by itself. */
const redialWait = { firstMs: 0, mostMs: 0 };

/** The server agreed on HTTP/1.1. */
export class NoHttp2Error extends Error {
  override readonly name = "NoHttp2Error";
}

interface Lane {
  readonly channel: ClientChannel<Error>;
  /** Answers that go on. */
  used: number;
}

/** To one server by HTTP/2: one connection for what is answered at once, others for what lasts, so that the one never waits for
 *  the other. Rejects with ConnectionError by NoHttp2Error where the server does not speak it. */
export class Http2Way implements HttpWay {
  readonly #server: URL;
  readonly #config: RestConfig;
  readonly #clock: Clock;
  readonly #prefix: string;
  #short: ClientChannel<Error>;
  #lasting: Lane[] = [];

  constructor(server: URL, config: RestConfig, clock: Clock) {
    this.#server = server;
    this.#config = config;
    this.#clock = clock;
    this.#prefix = server.pathname.replace(/\/$/, "");
    this.#short = this.#channel();
  }

  send(request: HttpRequest, headers: RequestHeaders): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      request.signal?.throwIfAborted();
      const lane = request.lasting ? this.#lane() : undefined;
      if (lane !== undefined) lane.used += 1;
      new Http2Exchange({
        request,
        head: this.#head(request, headers),
        host: this.#server.host,
        channel: lane?.channel ?? this.#short,
        onOver: () => {
          if (lane !== undefined) lane.used -= 1;
        },
        resolve,
        reject,
      });
    });
  }

  giveUp(): void {
    const before = [this.#short, ...this.#lasting.map(({ channel }) => channel)];
    this.#short = this.#channel();
    this.#lasting = [];
    for (const channel of before) channel.close("gave the server up");
  }

  close(): void {
    for (const channel of [this.#short, ...this.#lasting.map((lane) => lane.channel)])
      channel.close("the client is closed");
  }

  /** The connection for an answer that lasts. */
  #lane(): Lane {
    const { lastingPerConnectionMost, lastingConnectionsMost } = transportLimits;
    const hasRoom = ({ channel, used }: Lane) =>
      used < Math.min(lastingPerConnectionMost, channel.streamsMost ?? lastingPerConnectionMost);
    const free = this.#lasting.find(hasRoom);
    if (free !== undefined) return free;
    if (this.#lasting.length < lastingConnectionsMost)
      this.#lasting.push({ channel: this.#channel(), used: 0 });
    return this.#lasting.reduce((least, lane) => (lane.used < least.used ? lane : least));
  }

  #channel(): ClientChannel<Error> {
    return new ClientChannel({
      dial: (onConnected) => this.#dial(onConnected),
      limits,
      connectWithinMs: transportLimits.connectMs,
      redialWait,
      clock: this.#clock,
      random: systemRandom,
      unavailable: (why) => why,
    });
  }

  #dial(onConnected: () => void): Socket {
    const host = this.#server.hostname.replace(/^\[|\]$/g, "");
    const socket = connect({
      host,
      port: Number(this.#server.port || 443),
      servername: isIP(host) === 0 ? host : "",
      ...tlsOptions(this.#config),
      ALPNProtocols: ["h2", "http/1.1"],
    });
    return socket.setNoDelay().once("secureConnect", () => {
      if (socket.alpnProtocol === "h2") onConnected();
      else socket.destroy(new NoHttp2Error("the server does not speak HTTP/2"));
    });
  }

  #head({ method, path }: HttpRequest, headers: RequestHeaders): Buffer {
    const list: Header[] = [
      { name: ":method", value: method },
      { name: ":scheme", value: "https" },
      { name: ":path", value: this.#prefix + path },
      { name: ":authority", value: this.#server.host },
    ];
    for (const [name, value] of Object.entries(headers))
      for (const each of Array.isArray(value) ? value : [String(value)]) list.push({ name, value: each });
    return headerBlock(list);
  }
}
