import type { IncomingMessage } from "node:http";
import { unauthorized } from "../api-error.ts";
import { AuthenticationError, type Authenticator } from "../authentication/authenticator.ts";
import { withoutToken } from "../authentication/bearer-token.ts";
import { isKnownBy } from "../authentication/client-certificate.ts";
import { localSender } from "../authentication/local-sender.ts";
import { type ShownCertificate, shownCertificate } from "../authentication/shown-certificate.ts";
import { anonymous, type User } from "./authentication.ts";
import { attributesOf } from "./authorization.ts";
import type { Authorizer } from "./authorizer.ts";
import { type Deciding, impersonate, type LastModes } from "./impersonation.ts";
import { wantedUser } from "./impersonation-headers.ts";
import type { RequestInfo } from "./request-info.ts";

/** By what senders are known, and what of a request says so. */
export interface Gate {
  readonly authenticate: Authenticator;
  /** What tokens call this server; `undefined` where it has no name. */
  readonly audiences: readonly string[] | undefined;
  /** Headers that only a trusted front proxy may send. */
  readonly isProxyHeader: (name: string) => boolean;
  readonly authorizer: Authorizer;
  readonly lastModes: LastModes;
}

/** Who a request is made as: whoever its credentials say sends it, or who that one impersonates. The credentials end here:
 *  no later hand finds them in the request. Fails with 400, 401 and 403.
 *  @param tell.refusal is told why a credential does not hold, which the 401 does not say. */
export async function identify(
  request: IncomingMessage,
  info: RequestInfo,
  gate: Gate,
  tell: {
    readonly warn: (text: string) => void;
    readonly refusal: (why: string) => void;
    /** Nobody in particular asks, or somebody whose credentials do not hold. */
    readonly stranger?: () => void;
    /** Is told who sends, before anything else is found out. */
    readonly sender?: (user: User, certificate?: ShownCertificate) => Promise<void> | undefined;
    readonly deciding?: Deciding;
    readonly impersonated?: (mode: string, decision: "allowed" | "denied") => void;
  },
): Promise<User> {
  const sender = await senderOf(request, gate, tell);
  if (sender === undefined || isStranger(sender)) tell.stranger?.();
  if (sender === undefined) throw unauthorized();
  stripCredentials(request, gate);
  const certificate = shownCertificate(request.socket);
  const told = tell.sender?.(sender, certificate && isKnownBy(sender, certificate) ? certificate : undefined);
  if (told !== undefined) await told;
  const wanted = wantedUser(request.rawHeaders);
  if (wanted === undefined) return sender;
  const asked = { requestor: sender, wanted, attributes: attributesOf(info) };
  try {
    const { user, mode } = await impersonate(asked, gate.authorizer, {
      ...(tell.deciding && { deciding: tell.deciding }),
      last: gate.lastModes,
    });
    tell.impersonated?.(mode, "allowed");
    return user;
  } catch (error) {
    tell.impersonated?.("", "denied");
    throw error;
  }
}

const isStranger = ({ name, groups }: User) =>
  name === anonymous.name || groups.some((group) => anonymous.groups.includes(group));

async function senderOf(
  request: IncomingMessage,
  { authenticate, audiences }: Gate,
  { warn, refusal }: Parameters<typeof identify>[3],
): Promise<User | undefined> {
  const local = localSender(request);
  if (local !== undefined) return local;
  const { headers, rawHeaders, socket } = request;
  try {
    const certificate = shownCertificate(socket);
    return (await authenticate({ headers, rawHeaders, certificate, audiences, warn }))?.user;
  } catch (error) {
    if (!(error instanceof AuthenticationError)) throw error;
    refusal(error.message);
    return undefined;
  }
}

function stripCredentials(request: IncomingMessage, { isProxyHeader }: Gate): void {
  const { headers, rawHeaders } = request;
  const protocols = withoutToken(headers);
  for (const name of Object.keys(headers))
    if (name === "authorization" || isProxyHeader(name)) delete headers[name];
  const changed = protocols !== headers["sec-websocket-protocol"];
  if (changed) headers["sec-websocket-protocol"] = protocols;
  for (let at = rawHeaders.length - 2; at >= 0; at -= 2) {
    const name = rawHeaders[at]?.toLowerCase() ?? "";
    if (name === "authorization" || isProxyHeader(name) || (changed && name === "sec-websocket-protocol"))
      rawHeaders.splice(at, 2);
  }
  if (changed && protocols !== undefined) rawHeaders.push("Sec-WebSocket-Protocol", protocols);
}
