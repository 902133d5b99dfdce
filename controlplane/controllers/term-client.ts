import { leaderOnly, type WritingTerm, writeInTerm } from "../../client/leader-only.ts";
import type { ControllerClient } from "./controller.ts";

/** The client of one term of leadership; see `client/leader-only.ts`. Requests under way end with the signal. */
export function termClient(
  client: ControllerClient,
  term: WritingTerm,
  signal: AbortSignal,
): ControllerClient {
  return {
    ...leaderOnly(client, () => term, signal),
    raw: (method, path, body, options) => {
      const ending = { signal, ...options };
      if (method === "GET") return client.raw(method, path, body, ending);
      return writeInTerm(term, ending, (all) => client.raw(method, path, body, all));
    },
  };
}
