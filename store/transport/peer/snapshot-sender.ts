import type { Socket } from "node:net";
import { deferred } from "../../../base/deferred.ts";
import { type DialOptions, dial } from "./dial.ts";
import { type FrameKind, frameHead, frameHeadBytes, frameKinds } from "./frame.ts";
import { readAnswer } from "./question.ts";

const noBytes = new Uint8Array(0);

/** Streams a snapshot over a connection of its own, to the first of the peer's URLs that answers. Resolves when the peer has
 *  installed it. Rejects when aborted, though the peer neither reads nor goes, and when the peer is done before it has read all,
 *  for what it still has to read will not be. */
export async function sendSnapshot(
  urls: readonly string[],
  options: Omit<DialOptions, "purpose">,
  message: Uint8Array,
  chunks: AsyncIterable<Uint8Array>,
  { onSent, signal }: { readonly onSent: (bytes: number) => void; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const installed = deferred<void>();
  installed.promise.catch(() => undefined); // heard by the await below, which may come later than the failure
  const { socket, url } = await dialAny(
    urls,
    { ...options, purpose: "snapshot" },
    {
      onFrame: ({ kind, payload }) => {
        if (kind !== frameKinds.answer) return;
        const { error } = readAnswer(payload);
        if (error === undefined) installed.resolve();
        else installed.reject(error);
      },
      onEnd: (error) => installed.reject(error),
    },
  );
  const abort = () => socket.destroy();
  signal?.addEventListener("abort", abort);
  try {
    signal?.throwIfAborted();
    const write = async (kind: FrameKind, payload: Uint8Array) => {
      onSent(frameHeadBytes + payload.length);
      if (socket.destroyed) throw new Error(`the connection to ${url} was closed`);
      socket.cork();
      socket.write(frameHead(kind, payload.length));
      const hasRoom = socket.write(payload);
      socket.uncork();
      if (!hasRoom) await drained(socket);
    };
    await write(frameKinds.message, message);
    for await (const chunk of chunks) await write(frameKinds.chunk, chunk);
    await write(frameKinds.end, noBytes);
    await installed.promise;
  } finally {
    signal?.removeEventListener("abort", abort);
    socket.destroy();
  }
}

type Dialled = { readonly socket: Socket; readonly url: string };

/** Tries one URL after the other; rejects with the last one's failure. */
async function dialAny(
  urls: readonly string[],
  options: DialOptions,
  handlers: Parameters<typeof dial>[2],
): Promise<Dialled> {
  let failure: unknown = new Error(`member ${options.to.toString(16)} has no peer URL`);
  for (const url of urls) {
    let isOpen = false;
    const onEnd = (error: Error) => isOpen && handlers.onEnd(error);
    try {
      const socket = await dial(url, options, { onFrame: handlers.onFrame, onEnd });
      isOpen = true;
      if (socket.destroyed) throw new Error(`the connection to ${url} was closed`);
      return { socket, url };
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/** Resolves when the socket has room again, or is closed: then it never will. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.removeListener("drain", done);
      socket.removeListener("close", done);
      resolve();
    };
    socket.once("drain", done);
    socket.once("close", done);
  });
}
