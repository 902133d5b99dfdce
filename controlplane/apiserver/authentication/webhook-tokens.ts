import { backoffMs } from "../../../base/backoff.ts";
import { type Clock, sleep } from "../../../base/os/clock.ts";
import type { Random } from "../../../base/os/random.ts";
import { isObject, type JsonObject, objectOf, stringOf, stringsOf } from "../json.ts";
import {
  type Audiences,
  type Authenticated,
  AuthenticationError,
  intersection,
  type TokenAuthenticator,
} from "./authenticator.ts";
import { type RemoteJson, RemoteRefusal } from "./remote-json.ts";
import type { WebhookAccess } from "./webhook-access.ts";

export interface WebhookConfig extends WebhookAccess {
  readonly version: "v1" | "v1beta1";
  /** How long a verdict is used again; 0: not beyond the request. */
  readonly cacheMs: number;
}

const attemptsMax = 5;
const pauses = { firstMs: 500, factor: 1.5, mostMs: 3000 };

/** Tokens that a server elsewhere judges, by TokenReview. */
export function webhookTokens(
  config: WebhookConfig,
  deps: {
    readonly remote: RemoteJson;
    readonly own: Audiences;
    readonly clock: Clock;
    readonly random: Random;
  },
): TokenAuthenticator {
  return async (token, wanted) => {
    const status = await review(config, deps, { token, ...(wanted && { audiences: wanted }) });
    return judged(status, wanted, deps.own);
  };
}

async function review(
  { url, bearerToken, version }: WebhookConfig,
  { remote, clock, random }: { remote: RemoteJson; clock: Clock; random: Random },
  spec: JsonObject,
): Promise<JsonObject> {
  const apiVersion = `authentication.k8s.io/${version}`;
  const body = JSON.stringify({ kind: "TokenReview", apiVersion, metadata: {}, spec });
  const headers = bearerToken === undefined ? {} : { Authorization: `Bearer ${bearerToken}` };
  for (let attempt = 1; ; attempt++) {
    try {
      return objectOf(objectOf(await remote.ask({ url, body, headers })).status);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (attempt >= attemptsMax || !mayPass(error))
        throw new AuthenticationError(`the token webhook did not judge the token: ${why}`);
    }
    await sleep(clock, backoffMs(pauses, attempt, random));
  }
}

/** Might the same be answered in a moment? */
function mayPass(error: unknown): boolean {
  return !(error instanceof RemoteRefusal) || error.code === 429 || error.code >= 500;
}

function judged(
  status: JsonObject,
  wanted: Audiences | undefined,
  own: Audiences,
): Authenticated | undefined {
  const said = stringsOf(status.audiences);
  const audiences = wanted === undefined ? said : intersection(wanted, said.length > 0 ? said : own);
  if (wanted !== undefined && audiences.length === 0) return undefined;
  if (status.authenticated !== true) {
    const error = stringOf(status.error);
    if (error !== "") throw new AuthenticationError(error);
    return undefined;
  }
  const { username, uid, groups, extra } = objectOf(status.user);
  const more = isObject(extra)
    ? Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, stringsOf(values)]))
    : {};
  const user = {
    name: stringOf(username),
    groups: stringsOf(groups),
    ...(stringOf(uid) !== "" && { uid: stringOf(uid) }),
    ...(Object.keys(more).length > 0 && { extra: more }),
  };
  return { user, audiences };
}
