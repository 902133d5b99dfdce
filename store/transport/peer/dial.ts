import { connect, type Socket } from "node:net";
import { connect as connectTls, TLSSocket } from "node:tls";
import type { Clock } from "../../../base/os/clock.ts";
import { socketUrl } from "../../membership/initial-cluster.ts";
import type { MemberId } from "../../raft/types.ts";
import type { PortTls } from "../tls/port-tls.ts";
import { type Frame, FrameReader, frame, frameBytesMax, frameKinds, smallFrameBytesMax } from "./frame.ts";
import { badCertificateText, hello, protocolVersion, removedText } from "./hello.ts";

export interface DialOptions {
  readonly clusterId: bigint;
  readonly from: MemberId;
  readonly to: MemberId;
  readonly purpose: "messages" | "snapshot" | "members";
  readonly serverVersion: string;
  /** Where the one who dials can be reached; none when it needs no connection back. */
  readonly peerUrls: readonly string[];
  readonly tls: PortTls | undefined;
  /** The address to connect from; absent: what the system takes. */
  readonly localAddress?: string | undefined;
  readonly clock: Pick<Clock, "after">;
}

export const dialLimits = {
  /** From the first packet to the peer's welcome. */
  dialWithinMs: 3_000,
} as const;

/** The peer does not want this member. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
  readonly isRemoved: boolean;

  constructor(url: string, reason: string) {
    super(`${url} refused: ${reason}`);
    this.isRemoved = reason === removedText;
  }
}

function addressOf(url: string, { localAddress }: DialOptions) {
  const socket = socketUrl(url);
  if (socket !== undefined) return { to: { path: socket.socketPath }, isTls: socket.tls };
  const { hostname, port, protocol } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, "");
  const to = { host, port: Number(port), ...(localAddress !== undefined && { localAddress }) };
  return { to, isTls: protocol === "https:" };
}

/** Connects to a peer URL and exchanges hellos. Frames that follow go to `onFrame`; whatever ends the connection later, to
 *  `onEnd`. Rejects with the reason when the peer cannot be reached or refuses. */
export function dial(
  url: string,
  options: DialOptions,
  handlers: { readonly onFrame: (frame: Frame) => void; readonly onEnd: (error: Error) => void },
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const { to, isTls } = addressOf(url, options);
    const socket = isTls
      ? connectTls({ ...to, ...options.tls?.dialOptions(), ALPNProtocols: [] })
      : connect(to);
    let welcome = false;
    /** Why the peer is not whom it must be; what it says itself then is heard before the connection ends. */
    let problem: string | undefined;
    const fail = (error: Error) => {
      stopTimer();
      socket.destroy();
      if (welcome) handlers.onEnd(error);
      else reject(error);
    };
    const reader = new FrameReader(smallFrameBytesMax);
    socket.setNoDelay(true);
    const late = () => fail(new Error(`no answer from ${url}`));
    const stopTimer = options.clock.after(dialLimits.dialWithinMs, late);
    socket.once(isTls ? "secureConnect" : "connect", () => {
      const { tls, localAddress: _from, clock: _clock, ...said } = options;
      problem = socket instanceof TLSSocket ? tls?.serverProblem(socket) : undefined;
      if (problem === undefined)
        socket.write(frame(frameKinds.hello, hello.encode({ protocol: protocolVersion, ...said })));
      else socket.write(frame(frameKinds.refused, Buffer.from(badCertificateText)));
    });
    const take = ({ kind, payload }: Frame) => {
      if (welcome) handlers.onFrame({ kind, payload });
      else if (kind === frameKinds.welcome && problem === undefined) {
        welcome = true;
        reader.bytesMax = frameBytesMax;
        stopTimer();
        resolve(socket);
      } else if (kind === frameKinds.refused)
        fail(new RefusedError(url, [problem, payload.toString("utf8")].filter(Boolean).join("; ")));
      else fail(new Error(`${url} does not speak the peer protocol`));
    };
    socket.on("data", (chunk: Buffer) => {
      try {
        for (const one of reader.push(chunk)) take(one);
      } catch (error) {
        fail(error instanceof Error ? error : new Error(String(error)));
      }
    });
    socket.on("error", fail);
    socket.on("close", () =>
      fail(new Error(problem === undefined ? `the connection to ${url} was closed` : `${url}: ${problem}`)),
    );
  });
}
