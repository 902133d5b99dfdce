import { ApiError, ConnectionError } from "../../../client/api-error.ts";

/** What a failed request says, in the words of Kubernetes' client where the server has none of its own. Throws what is not
 *  the server's doing, and all once the signal has aborted.
 *  @param what The verb, the resource in full, and the name if one was asked for. */
export function answerProblem(error: unknown, what: string, signal: AbortSignal): string {
  if (signal.aborted) throw signal.reason;
  if (error instanceof ConnectionError) return error.message;
  if (!(error instanceof ApiError)) throw error;
  const isPlain = error.status.reason === undefined;
  return isPlain && error.code === 404
    ? `the server could not find the requested resource (${what})`
    : error.message;
}
