import type { IncomingHttpHeaders } from "node:http";
import { AuthenticationError, type Authenticator, type TokenAuthenticator } from "./authenticator.ts";

/** No token that anybody issues is longer; what is, is not looked at. */
const tokenBytesMax = 64 * 1024;

const invalid = "invalid bearer token";

/** `Authorization: Bearer TOKEN`. A token that nobody knows is refused: its sender believes to be somebody. */
export function bearerToken(authenticate: TokenAuthenticator): Authenticator {
  return async ({ headers, audiences, warn }) => {
    // Node hands header bytes on one by one.
    const authorization = Buffer.from(headers.authorization ?? "", "latin1")
      .toString("utf8")
      .trim();
    const parts = authorization.split(" ");
    const [scheme = "", token] = parts;
    if (token === undefined || scheme.toLowerCase() !== "bearer") return undefined;
    if (token === "") {
      if (parts.length > 2)
        warn(
          "the provided Authorization header contains extra space before the bearer token, and is ignored",
        );
      return undefined;
    }
    return known(authenticate, token, audiences).catch((error: unknown) => {
      // kube-apiserver's own token, of which ours has no need, is always one of those that it is not.
      throw error instanceof AuthenticationError ? new AuthenticationError(invalid, ...error.causes) : error;
    });
  };
}

const protocolPrefix = "base64url.bearer.authorization.k8s.io.";

/** Browsers, which cannot set a header on a WebSocket, say their token as one of its subprotocols. */
export function webSocketToken(authenticate: TokenAuthenticator): Authenticator {
  return async ({ headers, audiences }) => {
    if (!isWebSocket(headers)) return undefined;
    const offered = protocolsOf(headers);
    const [said, ...more] = offered.filter(isTokenProtocol);
    if (said === undefined) return undefined;
    if (more.length > 0)
      throw new AuthenticationError("multiple base64.bearer.authorization tokens specified");
    const token = decoded(said.slice(protocolPrefix.length));
    if (token === "") return undefined;
    // The answer names a subprotocol, and cannot name this one.
    if (offered.length === 1) throw new AuthenticationError("missing additional subprotocol");
    return known(authenticate, token, audiences);
  };
}

/** The subprotocols without the one that is a token. */
export function withoutToken(headers: IncomingHttpHeaders): string | undefined {
  const offered = protocolsOf(headers);
  if (!offered.some(isTokenProtocol)) return headers["sec-websocket-protocol"];
  return offered.filter((one) => !isTokenProtocol(one)).join(",");
}

async function known(
  authenticate: TokenAuthenticator,
  token: string,
  audiences: readonly string[] | undefined,
): ReturnType<TokenAuthenticator> {
  const found = Buffer.byteLength(token) <= tokenBytesMax ? await authenticate(token, audiences) : undefined;
  if (found === undefined) throw new AuthenticationError(invalid);
  return found;
}

const isTokenProtocol = (protocol: string) => protocol.startsWith(protocolPrefix);

function protocolsOf(headers: IncomingHttpHeaders): readonly string[] {
  const said = headers["sec-websocket-protocol"];
  return said === undefined ? [] : said.split(",").map((one) => one.trim());
}

function isWebSocket({ connection = "", upgrade = "" }: IncomingHttpHeaders): boolean {
  const wishes = connection.split(",").some((one) => one.trim().toLowerCase() === "upgrade");
  return wishes && upgrade.toLowerCase() === "websocket";
}

function decoded(text: string): string {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1)
    throw new AuthenticationError("invalid base64.bearer.authorization token encoding");
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(text, "base64url"));
  } catch {
    throw new AuthenticationError("invalid base64.bearer.authorization token");
  }
}
