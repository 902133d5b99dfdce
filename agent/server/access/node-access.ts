import { createHmac } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Os } from "../../../base/os/os.ts";
import { randomBytes } from "../../../base/os/random.ts";
import type { Refusal } from "../callers.ts";
import { askedRight } from "./asked-rights.ts";
import { bearerTokenOf, type Caller, certifiedCaller } from "./caller.ts";
import { KeptAnswers, TooManyQuestions } from "./kept-answers.ts";
import type { Reviews } from "./reviews.ts";

/** Says why somebody may not have what they ask for; undefined: they may. */
export type NodeAccess = (request: IncomingMessage) => Promise<Refusal | undefined>;

/** As long as the kubelet uses them again; that nobody is known by a token may change any moment. */
export const keepMs = { caller: 120_000, nobody: 10_000, allowed: 300_000, forbidden: 30_000 };

/** API servers themselves, and those whom every API server allows everything: they are spared the question. */
const mayAll = ({ name, groups }: Caller) => name === "system:apiserver" || groups.includes("system:masters");

/** Who asks is found by their certificate or token, and what they may by API servers, as the kubelet does with
 *  `--authentication-token-webhook` and `--authorization-mode=Webhook`. Of a token only a digest is kept, made with a key that
 *  nobody else has. */
export function openNodeAccess(
  reviews: Reviews,
  { clock, random, log }: Pick<Os, "clock" | "random" | "log">,
): NodeAccess {
  const digestKey = randomBytes(random, 32);
  const callers = new KeptAnswers<Caller | undefined>(clock, (found) =>
    found === undefined ? keepMs.nobody : keepMs.caller,
  );
  const verdicts = new KeptAnswers<boolean>(clock, (may) => (may ? keepMs.allowed : keepMs.forbidden));

  const callerOf = async (request: IncomingMessage): Promise<Caller | undefined> => {
    const certified = certifiedCaller(request, clock.wallMs());
    if (certified !== undefined) return certified;
    const token = bearerTokenOf(request);
    if (token === undefined) return undefined;
    const digest = createHmac("sha256", digestKey).update(token).digest("base64");
    return callers.get(digest, () => reviews.caller(token));
  };
  const forbidden = async (caller: Caller, { method = "", url = "/" }: IncomingMessage) => {
    if (mayAll(caller)) return undefined;
    const path = method === "CONNECT" ? "/" : new URL(url, "https://node").pathname;
    const { verb, subresources } = askedRight(method, path);
    for (const subresource of subresources) {
      const key = JSON.stringify([caller, verb, subresource]);
      if (await verdicts.get(key, () => reviews.may(caller, verb, subresource))) return undefined;
    }
    const asked = `user=${caller.name}, verb=${verb}, resource=nodes, subresource(s)=[${subresources.join(" ")}]`;
    return { code: 403, missing: `Forbidden (${asked})` };
  };
  return async (request) => {
    const unanswered = (what: string, code: number) => (error: unknown) => {
      if (error instanceof TooManyQuestions) return { code: 429, missing: "Too Many Requests" };
      log.warn(`cannot ask API servers ${what}`, { error });
      return { code, missing: code === 401 ? "Unauthorized" : "Authorization error" };
    };
    const caller = await callerOf(request).catch(unanswered("whose a token is", 401));
    if (caller === undefined) return { code: 401, missing: "Unauthorized" };
    if ("missing" in caller) return caller;
    return forbidden(caller, request).catch(unanswered("what a caller may do", 500));
  };
}
