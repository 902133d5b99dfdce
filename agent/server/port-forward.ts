import { type Duplex, finished } from "node:stream";
import type { Clock } from "../../base/os/clock.ts";
import { describeError, type Log } from "../../base/os/log.ts";
import { SpdyConnection, type SpdyStream } from "./spdy/connection.ts";

export const portForwardProtocols = ["portforward.k8s.io"] as const;
/** The same, its frames carried in the messages of a WebSocket. */
export const tunnelledProtocol = "SPDY/3.1+portforward.k8s.io";

/** How long a client may take to open the second stream of a pair. */
const pairMs = 30_000;

export interface PortForward {
  readonly sandboxId: string;
  readonly connect: (port: number) => Promise<Duplex>;
  readonly clock: Clock;
  readonly log: Log;
}

interface Pair {
  data?: SpdyStream;
  error?: SpdyStream;
  readonly cancel: () => void;
}

/** Serves connections to a pod's ports, each a pair of streams: its bytes, and what is wrong with it. */
export function servePortForward(socket: Duplex, forward: PortForward): void {
  const pairs = new Map<string, Pair>();
  const pairOf = (id: string): Pair => {
    const known = pairs.get(id);
    if (known !== undefined) return known;
    const cancel = forward.clock.after(pairMs, () => {
      pairs.delete(id);
      pair.error?.end(`(request=${id}) timed out waiting for streams`);
      pair.data?.destroy();
    });
    const pair: Pair = { cancel };
    pairs.set(id, pair);
    return pair;
  };
  new SpdyConnection(
    socket,
    {
      onStream(stream) {
        const port = portNumber(stream.headers.get("port") ?? "");
        const type = stream.headers.get("streamtype");
        if (port === undefined || (type !== "data" && type !== "error")) return false;
        const id = requestId(stream, type);
        const pair = pairOf(id);
        if (pair[type] !== undefined) {
          pair.error?.write(`error processing stream for request ${id}: ${type} stream already assigned`);
          return false;
        }
        pair[type] = stream;
        const { data, error } = pair;
        if (data === undefined || error === undefined) return true;
        pair.cancel();
        pairs.delete(id);
        // Its streams are opened first.
        setImmediate(
          () =>
            void serveConnection(
              portNumber(data.headers.get("port") ?? "") ?? port,
              { data, error },
              forward,
            ),
        );
        return true;
      },
      onClose() {
        for (const { cancel } of pairs.values()) cancel();
        pairs.clear();
      },
    },
    forward.clock,
  );
}

/** A port as Go reads one; undefined for anything else. */
export function portNumber(text: string): number | undefined {
  const port = /^\d+$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : undefined;
}

/** Clients of old name no request: the error stream comes first, the next one of theirs is its data. */
function requestId(stream: SpdyStream, type: "data" | "error"): string {
  const given = stream.headers.get("requestid") ?? "";
  if (given !== "") return given;
  return String(type === "error" ? stream.id : stream.id - 2);
}

interface ForwardStreams {
  readonly data: Duplex;
  readonly error: Duplex;
}

/** One connection from its first byte to its last. What is wrong with it goes to its error stream. Never rejects. */
export async function serveConnection(
  port: number,
  { data, error }: ForwardStreams,
  { connect, sandboxId, log }: PortForward,
): Promise<void> {
  error.resume();
  try {
    const far = await connect(port);
    if (data.destroyed) far.destroy();
    else await both(data, far);
    error.end();
  } catch (failure) {
    const text = `error forwarding port ${port} to pod ${sandboxId}, uid : ${describeError(failure)}`;
    log.debug("port forward failed", { port, error: failure });
    error.end(text);
    data.destroy();
  }
}

/** Joins two streams whose directions end each on its own. Resolves when both are over. */
async function both(near: Duplex, far: Duplex): Promise<void> {
  near.pipe(far);
  far.pipe(near);
  const over = (one: Duplex, other: Duplex) =>
    new Promise<void>((resolve) =>
      finished(one, () => {
        resolve();
        // What broke takes the other along; what ended well has said all, and the other ends by that.
        if (!one.readableEnded || !one.writableFinished) other.destroy();
      }),
    );
  await Promise.all([over(near, far), over(far, near)]);
}
