import { Duplex } from "node:stream";
import type { RawData, WebSocket } from "ws";
import type { Refusal } from "./callers.ts";
import { type ChannelProtocol, channelProtocols, decodeFrame, encodeFrame } from "./channel-protocol.ts";
import { type PortForward, portNumber, serveConnection } from "./port-forward.ts";
import { remoteCommandLimits } from "./remote-command.ts";

/** Port forwarding over WebSocket as older clients do it: the ports are named beforehand, and each has two channels, one for
 *  its bytes and one for what is wrong with it. One connection to each port. */
export const portProtocolNames = ["", "v4.channel.k8s.io", "v4.base64.channel.k8s.io"] as const;

/** A channel's number is one byte, or in text one digit; a port has two. */
const portsMax = { binary: 127, text: 5 } as const;

export function choosePortProtocol(name: string): ChannelProtocol {
  const [known] = channelProtocols.filter((one) => one.name === name);
  if (known === undefined) throw new Error(`${name} is no protocol of channels`);
  return known;
}

/** The ports of a query, `port=80,90&port=100`, or what is wrong with them in the kubelet's words. Pure. */
export function portsOf(
  values: readonly string[],
  { isBase64 }: Pick<ChannelProtocol, "isBase64">,
): readonly number[] | Refusal {
  const bad = (missing: string) => ({ code: 400, missing });
  if (values.length === 0) return bad('query parameter "port" is required');
  const ports: number[] = [];
  for (const value of values) {
    if (value === "") return bad('query parameter "port" cannot be empty');
    for (const text of value.split(",")) {
      const port = portNumber(text);
      if (port !== undefined) ports.push(port);
      else if (/^0+$/.test(text)) return bad(`port "${value}" must be > 0`);
      else {
        const why = /^\d+$/.test(text) ? "value out of range" : "invalid syntax";
        return bad(
          `unable to parse "${value}" as a port: strconv.ParseUint: parsing ${JSON.stringify(text)}: ${why}`,
        );
      }
    }
  }
  const most = isBase64 ? portsMax.text : portsMax.binary;
  return ports.length > most ? bad(`at most ${most} ports can be forwarded at once`) : ports;
}

/** Serves the channels until every connection is over, or the client goes. */
export function servePortChannels(
  client: { readonly socket: WebSocket; readonly protocol: ChannelProtocol },
  ports: readonly number[],
  forward: PortForward,
): void {
  const { socket, protocol } = client;
  const channels = ports.flatMap((port, at) => {
    const data = new PortChannel(client, at * 2);
    const error = new PortChannel(client, at * 2 + 1);
    const named = Buffer.alloc(2);
    named.writeUInt16LE(port);
    for (const one of [data, error]) one.write(named);
    return [data, error];
  });
  socket.on("error", () => socket.terminate());
  socket.on("close", () => {
    for (const one of channels) one.destroy();
  });
  socket.on("message", (raw: RawData) => {
    const frame = Buffer.isBuffer(raw) ? raw : Buffer.concat(Array.isArray(raw) ? raw : [Buffer.from(raw)]);
    const decoded = decodeFrame(protocol, frame);
    if (decoded !== undefined && decoded.from % 2 === 0) channels[decoded.from]?.hear(decoded.bytes);
  });
  const served = ports.map((port, at) => {
    const data = channels[at * 2] as PortChannel;
    const error = channels[at * 2 + 1] as PortChannel;
    return serveConnection(port, { data, error }, forward).then(() => error.spoken());
  });
  Promise.all(served).then(
    () => socket.close(1000),
    () => socket.terminate(),
  );
}

/** One channel of a WebSocket. It has no end of its own: the connection's is the end of all. So a pod that ends its side has ended
 *  both: the client cannot be told, and would say no more. */
class PortChannel extends Duplex {
  readonly #socket: WebSocket;
  readonly #protocol: ChannelProtocol;
  readonly #number: number;

  constructor(
    { socket, protocol }: { readonly socket: WebSocket; readonly protocol: ChannelProtocol },
    number: number,
  ) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    this.#protocol = protocol;
    this.#number = number;
    this.on("error", () => undefined); // the connection is gone: 'close' tells
  }

  /** The client said something. Until it is read nothing more is taken of the connection. */
  hear(bytes: Buffer): void {
    if (bytes.length > 0 && !this.destroyed && !this.push(bytes)) this.#socket.pause();
  }

  /** Resolves once all that was written has left. */
  spoken(): Promise<void> {
    if (this.writableFinished || this.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      this.once("finish", resolve);
      this.once("close", resolve);
    });
  }

  override _final(done: () => void): void {
    this.push(null);
    done();
  }

  override _read(): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.resume();
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const most = remoteCommandLimits.frameBytesMost / 2;
    for (let at = 0; at + most < bytes.length; at += most)
      this.#socket.send(encodeFrame(this.#protocol, this.#number, bytes.subarray(at, at + most)));
    const rest = bytes.subarray(Math.floor(Math.max(0, bytes.length - 1) / most) * most);
    this.#socket.send(encodeFrame(this.#protocol, this.#number, rest), (error) => done(error ?? null));
  }
}
