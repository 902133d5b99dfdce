import type { Socket } from "node:net";
import { deferred } from "../../../base/deferred.ts";
import { type DialOptions, dial } from "./dial.ts";
import { frame, frameKinds } from "./frame.ts";
import { readAnswer, writeQuestion } from "./question.ts";

const answerWithinMs = 3_000;

/** One question to a member on a connection of its own, for who has no link to it (yet). Rejects with the StoreError it
 *  answered, or when nobody has answered so long after it was asked, whatever else came meanwhile. */
export async function askOnce(
  url: string,
  options: DialOptions,
  question: { readonly kind: string; readonly id: bigint; readonly withinMs?: number },
): Promise<Uint8Array> {
  const answer = deferred<Uint8Array>();
  answer.promise.catch(() => undefined); // dialling may fail first
  const { withinMs = answerWithinMs } = question;
  const late = () => answer.reject(new Error(`no answer from ${url}`));
  const stopTimer = options.clock.after(withinMs, late);
  let socket: Socket | undefined;
  try {
    socket = await dial(url, options, {
      onFrame: ({ kind, payload }) => {
        if (kind !== frameKinds.answer) return;
        const { error, payload: body } = readAnswer(payload);
        if (error === undefined) answer.resolve(body);
        else answer.reject(error);
      },
      onEnd: (error) => answer.reject(error),
    });
    socket.write(frame(frameKinds.question, writeQuestion({ number: 1, ...question })));
    return await answer.promise;
  } finally {
    stopTimer();
    socket?.destroy();
  }
}
