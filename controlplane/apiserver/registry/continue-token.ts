import { type ApiError, badRequest, expired } from "../api-error.ts";
import { goJsonError } from "../go-json-error.ts";
import { objectOf, stringOf } from "../json.ts";

/** Where the next page of a list begins: opaque to clients, base64url of Kubernetes' own JSON. Pure. */
export interface ContinueToken {
  /** The state all pages show; `newest` where the client accepts the newest one for the rest. */
  readonly revision: number;
  /** The first key wanted, relative to the list's prefix. */
  readonly start: string;
}

/** What Kubernetes writes; it reads every number below 0 so. */
const newest = -1;
const version = "meta.k8s.io/v1";

export function encodeContinue(token: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: version, rv: token.revision, start: token.start })).toString(
    "base64url",
  );
}

/** Fails with BadRequest. */
export function decodeContinue(text: string): ContinueToken {
  const at = illegalBase64At(text);
  if (at !== undefined) throw unfit(`illegal base64 data at input byte ${at}`);
  const said = Buffer.from(text, "base64url");
  const problem = goJsonError(said);
  if (problem !== undefined) throw unfit(problem);
  const { v = "", rv, start } = objectOf(JSON.parse(said.toString("utf8")));
  if (v !== version) throw unfit(`server does not recognize this encoded version ${stringOf(v)}`);
  if (typeof rv !== "number" || !Number.isSafeInteger(rv) || rv === 0)
    throw unfit("incorrect encoded start resourceVersion");
  // A start outside the list's own prefix would read what the caller was not asked about.
  if (typeof start !== "string" || start === "" || start.includes("..") || start.startsWith("/"))
    throw unfit("encoded start key");
  return { revision: Math.max(rv, newest), start };
}

const unfit = (why: string) => badRequest(`invalid continue token: continue key is not valid: ${why}`);

/** Unpadded, of the letters that stand in URLs. */
function illegalBase64At(text: string): number | undefined {
  const bad = text.search(/[^A-Za-z0-9_-]/);
  if (bad >= 0) return bad;
  return text.length % 4 === 1 ? text.length - 1 : undefined;
}

/** 410: the state the pages showed is compacted. Carries a token for going on with the newest state instead. */
export function expiredContinue(start: string): ApiError {
  const text =
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";
  return expired(text, { continue: encodeContinue({ revision: newest, start }) });
}
