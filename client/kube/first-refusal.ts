import type { ApiClient } from "../api.ts";
import { ApiError } from "../api-error.ts";

/** The server said no before anything was known: asking again would not help whoever waits for the answer. */
class FirstRefusal extends Error {
  constructor(cause: ApiError) {
    super(cause.message, { cause });
  }
}

/** A watch that is refused otherwise is tried as a list. */
const final = { list: [400, 401, 403, 404, 405, 422], watch: [401, 403] } as const;

/** The API for one reflector, which is to end where the server refuses what is first asked of it, and to try again later on. */
export function endingAtFirstRefusal(
  client: Pick<ApiClient, "list" | "watch">,
  hasSynced: () => boolean,
): Pick<ApiClient, "list" | "watch"> {
  const ending = (error: unknown, codes: readonly number[]): unknown =>
    !hasSynced() && error instanceof ApiError && codes.includes(error.code) ? new FirstRefusal(error) : error;
  return {
    async list(resource, options) {
      try {
        return await client.list(resource, options);
      } catch (error) {
        throw ending(error, final.list);
      }
    },
    async *watch(resource, options, signal) {
      try {
        yield* client.watch(resource, options, signal);
      } catch (error) {
        throw ending(error, final.watch);
      }
    },
  };
}

/** What a reflector of such a client ended with. */
export function refusalOf(error: unknown): unknown {
  return error instanceof FirstRefusal ? error.cause : error;
}
