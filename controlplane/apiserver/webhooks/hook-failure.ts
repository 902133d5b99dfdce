import { ApiError, badRequest, internalError } from "../api-error.ts";
import { isObject, type JsonObject, stringOf } from "../json.ts";

/** How asking a webhook can end, beside well. */

/** It could not be asked, or did not answer as it must: the webhook's failure policy says what follows. */
export class HookFailure extends Error {
  /** For figures only: clients are told 500. */
  readonly code: number;
  constructor(hook: string, why: string, code: number) {
    super(`failed calling webhook ${JSON.stringify(hook)}: ${why}`);
    this.code = code;
  }
  refusal(): ApiError {
    return internalError(this.message);
  }
}

/** It said no. */
export class HookDenial extends Error {
  readonly status: ApiError;
  constructor(hook: string, result: JsonObject | undefined) {
    const status = deniedBy(hook, result);
    super(status.message);
    this.status = status;
  }
}

export function dryRunRefused(hook: string): ApiError {
  return badRequest(`admission webhook ${JSON.stringify(hook)} does not support dry run`);
}

/** The Status that a webhook gives with its no, made one that fits. */
function deniedBy(hook: string, result: JsonObject = {}): ApiError {
  const by = `admission webhook ${JSON.stringify(hook)} denied the request`;
  const [message, reason] = [stringOf(result.message), stringOf(result.reason)];
  const why = message || reason;
  const said = typeof result.code === "number" ? result.code : 0;
  const code = said < 400 ? 400 : said;
  const details = isObject(result.details) ? (result.details as ApiError["details"]) : undefined;
  const metadata = isObject(result.metadata) ? result.metadata : {};
  return new ApiError(
    code,
    reason,
    why === "" ? `${by} without explanation` : `${by}: ${why}`,
    details,
    metadata,
  );
}
