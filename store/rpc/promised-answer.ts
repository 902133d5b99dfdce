import type { Call, UnaryAnswer, UnaryHandler } from "./handler.ts";

/** Hands on an answer that is there, or is still to come. */
export function settle(answer: Uint8Array | Promise<Uint8Array>, out: UnaryAnswer): void {
  if (answer instanceof Promise)
    answer.then(
      (bytes) => out.succeed(bytes),
      (error: unknown) => out.fail(error),
    );
  else out.succeed(answer);
}

/** What a handler answers, for those who make few calls. */
export function answerOf(handler: UnaryHandler, request: Uint8Array, call: Call): Promise<Uint8Array> {
  return new Promise((succeed, fail) => {
    handler(request, call, { succeed, fail });
  });
}
