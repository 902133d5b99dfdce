import type { IncomingMessage } from "node:http";
import { unauthorized } from "../api-error.ts";
import { anonymous, authenticate, type User } from "./authentication.ts";
import { attributesOf } from "./authorization.ts";
import type { Authorizer } from "./authorizer.ts";
import { impersonate } from "./impersonation.ts";
import { wantedUser } from "./impersonation-headers.ts";
import { header, type RequestInfo } from "./request-info.ts";

/** Who a request is made as: its client certificate's user, or the one it impersonates. Whatever else says who asks is
 *  refused, never dropped: a client that believes to be somebody must not be answered as somebody else.
 *  `warn` tells what the 401 does not say. Fails with 400, 401 and 403. */
export async function identify(
  request: IncomingMessage,
  info: RequestInfo,
  { authorizer, warn }: { readonly authorizer: Authorizer; readonly warn: (text: string) => void },
): Promise<User> {
  const requestor = authenticate(request);
  const refuse = (text: string) => {
    warn(text);
    throw unauthorized();
  };
  const foreign = Object.keys(request.headers).find(isFrontProxyHeader);
  if (foreign !== undefined) refuse(`${foreign}: no front proxy is trusted to say who asks`);
  const credential = credentialOf(request);
  if (credential !== undefined) {
    // As in Kubernetes the certificate is asked first, and what it says holds.
    if (requestor === anonymous)
      refuse(`${credential}: this server knows nobody by it; use a client certificate`);
    warn(`${credential}: not used, the client certificate says who asks`);
  }
  const wanted = wantedUser(request.rawHeaders);
  if (wanted === undefined) return requestor;
  return impersonate({ requestor, wanted, attributes: attributesOf(info) }, authorizer);
}

/** Kubernetes' header names for what an authenticating proxy found out. */
function isFrontProxyHeader(name: string): boolean {
  return (
    ["x-remote-user", "x-remote-uid", "x-remote-group"].includes(name) || name.startsWith("x-remote-extra-")
  );
}

const webSocketBearer = "base64url.bearer.authorization.k8s.io.";

/** What a request proves its user with, beside a certificate. Never the secret itself. */
function credentialOf({ headers }: IncomingMessage): string | undefined {
  const { authorization = "" } = headers;
  if (authorization.trim() !== "") {
    const [scheme = ""] = authorization.trim().split(/\s/);
    return scheme.toLowerCase() === "bearer" ? "bearer token" : "Authorization header";
  }
  const protocols = header(headers, "sec-websocket-protocol").split(",");
  return protocols.some((one) => one.trim().startsWith(webSocketBearer)) ? "bearer token" : undefined;
}
