/** Which subprotocol a client and this server agree on, by Kubernetes' `X-Stream-Protocol-Version`. Pure. */
export type Handshake =
  | { readonly protocol: string }
  | { readonly code: number; readonly missing: string; readonly accepted?: readonly string[] };

const headerName = "X-Stream-Protocol-Version";

export function handshake(header: string | undefined, supported: readonly string[]): Handshake {
  if (header === undefined)
    return { code: 400, missing: `unable to upgrade: header ${headerName} does not exist in request` };
  const offered = header
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  if (offered.length === 0)
    return {
      code: 400,
      missing: `unable to upgrade: header ${headerName} contains [${header}], but no valid protocols`,
    };
  const protocol = offered.find((name) => supported.includes(name));
  if (protocol !== undefined) return { protocol };
  const text = `client supports [${offered.join(" ")}], server accepts [${supported.join(" ")}]`;
  return {
    code: 403,
    missing: `unable to upgrade: unable to negotiate protocol: ${text}`,
    accepted: supported,
  };
}

/** The answer that makes a connection SPDY's. */
export function switchingText(protocol: string): string {
  return `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n${headerName}: ${protocol}\r\n\r\n`;
}

export function isSpdy(upgrade: string | undefined): boolean {
  return upgrade?.toLowerCase().includes("spdy/3.1") === true;
}
