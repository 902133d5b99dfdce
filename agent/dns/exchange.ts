import { createSocket } from "node:dgram";
import { connect, isIPv6 } from "node:net";
import type { Clock } from "../../base/os/clock.ts";

/** One question to one server. */
export interface Exchange {
  readonly message: Buffer;
  readonly server: string;
  readonly port: number;
  readonly timeoutMs: number;
  /** Whether this is an answer: what else arrives is passed over. */
  readonly isAnswer: (response: Buffer) => boolean;
}

const responseBytesMax = 65_535;

/** From a port of its own, so that nobody else can know where the answer is to go. Rejects when none comes in time. */
export function askByUdp(
  { message, server, port, timeoutMs, isAnswer }: Exchange,
  clock: Clock,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(server) ? "udp6" : "udp4");
    const end = (error: Error | undefined, response?: Buffer) => {
      cancel();
      socket.removeAllListeners();
      socket.on("error", () => undefined); // what comes of a question that is over
      socket.close();
      if (response !== undefined) resolve(response);
      else reject(error);
    };
    const cancel = clock.after(timeoutMs, () =>
      end(new Error(`${server} did not answer in ${timeoutMs} ms`)),
    );
    socket.on("error", (error) => end(error));
    socket.on("message", (response) => isAnswer(response) && end(undefined, response));
    // Connected, the kernel takes answers from that server only, and tells when nobody listens there.
    socket.connect(port, server, () =>
      socket.send(message, (error) => {
        if (error) end(error);
      }),
    );
  });
}

export function askByTcp(
  { message, server, port, timeoutMs, isAnswer }: Exchange,
  clock: Clock,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: server, port });
    const chunks: Buffer[] = [];
    let received = 0;
    const end = (error: Error | undefined, response?: Buffer) => {
      cancel();
      socket.destroy();
      if (response !== undefined) resolve(response);
      else reject(error);
    };
    const cancel = clock.after(timeoutMs, () =>
      end(new Error(`${server} did not answer in ${timeoutMs} ms`)),
    );
    socket.on("error", (error) => end(error));
    socket.on("close", () => end(new Error(`${server} closed the connection`)));
    socket.on("connect", () => socket.write(withLength(message)));
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      received += chunk.length;
      if (received < 2) return;
      const whole = chunks.length === 1 ? chunk : Buffer.concat(chunks);
      const length = whole.readUInt16BE(0);
      if (whole.length < 2 + length && whole.length <= responseBytesMax + 2) return;
      const response = whole.subarray(2, 2 + length);
      if (isAnswer(response)) end(undefined, response);
      else end(new Error(`${server} answered something else`));
    });
  });
}

/** As messages are sent over TCP. */
export function withLength(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}
