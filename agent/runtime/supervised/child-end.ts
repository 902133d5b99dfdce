import type { ChildProcess } from "node:child_process";
import { Socket } from "node:net";

export const childLimits = { drainMs: 2_000 } as const;

export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** How a child ended, once its output has been read. What it left behind may hold its pipes for ever, so after its exit a
 *  stream that brings nothing for `drainMs` and has nothing left for its reader is ended. Rejects when the child cannot
 *  be started. */
export function endOfChild(child: ChildProcess, drainMs: number = childLimits.drainMs): Promise<ChildEnd> {
  return new Promise((resolve, reject) => {
    const outputs = [child.stdout, child.stderr].filter((stream) => stream instanceof Socket);
    const bytesRead = () => outputs.reduce((sum, stream) => sum + stream.bytesRead, 0);
    let timer: NodeJS.Timeout | undefined;
    child.once("error", reject);
    child.once("exit", () => {
      let before = bytesRead();
      let wasEmpty = false;
      timer = setInterval(() => {
        const now = bytesRead();
        const isEmpty = outputs.every(({ readableLength }) => readableLength === 0);
        // Twice: a reader that has just taken a piece makes room for the next one, which is not here yet.
        // Its end, not its destruction: a reader that is busy with the last piece then finishes in good order.
        if (now === before && isEmpty && wasEmpty) for (const stream of outputs) stream.push(null);
        before = now;
        wasEmpty = isEmpty;
      }, drainMs / 2);
    });
    child.once("close", (code, signal) => {
      clearInterval(timer);
      resolve({ code, signal });
    });
  });
}
