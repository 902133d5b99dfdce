import { deferred } from "../../../base/deferred.ts";
import { type DialOptions, dial } from "./dial.ts";
import { frame, frameKinds } from "./frame.ts";
import { readAnswer, writeQuestion } from "./question.ts";

const answerWithinMs = 3_000;

/** One question to a member on a connection of its own, for who has no link to it (yet). Rejects with the StoreError it
 *  answered, or when nobody answers. */
export async function askOnce(
  url: string,
  options: DialOptions,
  question: { readonly kind: string; readonly id: bigint; readonly withinMs?: number },
): Promise<Uint8Array> {
  const answer = deferred<Uint8Array>();
  answer.promise.catch(() => undefined); // dialling may fail first
  const socket = await dial(url, options, {
    onFrame: ({ kind, payload }) => {
      if (kind !== frameKinds.answer) return;
      const { error, payload: body } = readAnswer(payload);
      if (error === undefined) answer.resolve(body);
      else answer.reject(error);
    },
    onEnd: (error) => answer.reject(error),
  });
  socket.setTimeout(question.withinMs ?? answerWithinMs, () =>
    answer.reject(new Error(`no answer from ${url}`)),
  );
  try {
    socket.write(frame(frameKinds.question, writeQuestion({ number: 1, ...question })));
    return await answer.promise;
  } finally {
    socket.destroy();
  }
}
