import type { IncomingMessage } from "node:http";
import { JsonTextError } from "../../base/json-text.ts";
import { StoreError } from "../errors.ts";
import { messageBoundaries } from "./message-boundaries.ts";

/** All of a request's body as text. Rejects when it is longer than `bytesMax`, or no UTF-8. */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<string> {
  let body = "";
  await eachText(request, (text) => {
    body += text;
    if (body.length > bytesMax) throw new StoreError("REQUEST_TOO_LARGE");
  });
  return body;
}

/** Hands over the JSON values of a body one by one as soon as each is complete; none may be longer than `bytesMax`. */
export async function eachMessage(
  request: IncomingMessage,
  bytesMax: number,
  take: (text: string) => void,
): Promise<void> {
  const boundaries = messageBoundaries(take, bytesMax);
  await eachText(request, boundaries.push);
  boundaries.end();
}

/** Resolves at the body's end; rejects with what `take` throws, and then takes no more. */
function eachText(request: IncomingMessage, take: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const decode = (chunk?: Buffer) => {
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined });
    } catch {
      throw new JsonTextError("it is not UTF-8");
    }
  };
  return new Promise((resolve, reject) => {
    const guarded = (step: () => void) => {
      try {
        step();
      } catch (error) {
        request.off("data", onData).off("end", onEnd);
        request.resume();
        reject(error);
      }
    };
    const onData = (chunk: Buffer) => guarded(() => take(decode(chunk)));
    const onEnd = () =>
      guarded(() => {
        take(decode());
        resolve();
      });
    request.on("data", onData).on("end", onEnd).on("error", reject);
    request.on("close", () => reject(new Error("the client went away")));
  });
}
