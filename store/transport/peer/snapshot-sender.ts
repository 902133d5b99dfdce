import { createHash } from "node:crypto";
import { once } from "node:events";
import { deferred } from "../../../base/deferred.ts";
import { type DialOptions, dial } from "./dial.ts";
import { frame, frameKinds } from "./frame.ts";
import { readAnswer } from "./question.ts";

/** Streams a snapshot over a connection of its own. Resolves when the peer has installed it. */
export async function sendSnapshot(
  url: string,
  options: Omit<DialOptions, "purpose">,
  message: Uint8Array,
  chunks: AsyncIterable<Uint8Array>,
  onSent: (bytes: number) => void,
): Promise<void> {
  const installed = deferred<void>();
  installed.promise.catch(() => undefined); // heard by the await below, which may come later than the failure
  const socket = await dial(
    url,
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
  try {
    const hash = createHash("sha256");
    const write = async (bytes: Buffer) => {
      onSent(bytes.length);
      if (socket.destroyed) throw new Error(`the connection to ${url} was closed`);
      if (!socket.write(bytes)) await once(socket, "drain");
    };
    await write(frame(frameKinds.message, message));
    for await (const chunk of chunks) {
      hash.update(chunk);
      await write(frame(frameKinds.chunk, chunk));
    }
    await write(frame(frameKinds.end, hash.digest()));
    await installed.promise;
  } finally {
    socket.destroy();
  }
}
