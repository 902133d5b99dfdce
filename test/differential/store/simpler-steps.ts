import type { Step } from "./conversation.ts";
import { methodOf } from "./requests.ts";

/** The step with a little less in it: by nobody, or without one of the fields or list elements of its request. That of a stream
 *  stays: with less in it, it may never be answered. */
export function* simplerSteps(step: Step): Iterable<Step> {
  if (step.by !== "") yield { ...step, by: "" };
  if (methodOf(step.asked).kind === "bidiStream") return;
  for (const request of simplerMessages(step.asked.request))
    yield { ...step, asked: { ...step.asked, request } };
}

function* simplerMessages(message: object): Iterable<object> {
  for (const [name, value] of Object.entries(message)) {
    if (isNothing(value)) continue;
    const { [name]: _, ...others } = message as Record<string, unknown>;
    yield others;
    for (const inner of simplerValues(value)) yield { ...message, [name]: inner };
  }
}

function* simplerValues(value: unknown): Iterable<unknown> {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return;
  if (!Array.isArray(value)) return yield* simplerMessages(value);
  for (const [at, element] of value.entries()) {
    yield value.toSpliced(at, 1);
    for (const inner of simplerValues(element)) yield value.with(at, inner);
  }
}

/** What a message without the field says, too. */
function isNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return true;
  if (value === 0 || value === 0n || value === "") return true;
  return (Array.isArray(value) || value instanceof Uint8Array) && value.length === 0;
}
