/** One member's client address. */
export interface Endpoint {
  /** As given. */
  readonly url: string;
  /** `host:port`, an IPv6 host in brackets; or a socket's path. */
  readonly address: string;
  readonly isSocket?: true;
  readonly secure: boolean;
}

/** Reads `http://host:port`, `https://host:port`, `host:port` (then secure when `secureDefault`), or the path of a socket,
 *  `unix:///path` and with TLS `unixs:///path`. Throws on others. */
export function parseEndpoint(text: string, secureDefault = false): Endpoint {
  const socket = /^unix(s?):\/\/([^\0?#]+)$/.exec(text.trim());
  if (socket !== null)
    return { url: text, address: socket[2] ?? "", secure: socket[1] === "s", isSocket: true };
  const match = /^(?:(https?):\/\/)?(\[[0-9a-fA-F:.]+\]|[^\s/:[\]]+):(\d{1,5})\/?$/.exec(text.trim());
  if (match === null || Number(match[3]) > 65_535)
    throw new Error(`endpoint ${JSON.stringify(text)} must look like http://host:port or https://host:port`);
  const secure = match[1] === undefined ? secureDefault : match[1] === "https";
  return { url: text, address: `${match[2]}:${match[3]}`, secure };
}

/** `host:port` and sockets' paths of the URLs. */
export function addressesOf(urls: readonly string[]): ReadonlySet<string> {
  return new Set(urls.map((url) => parseEndpoint(url).address));
}

/** Which endpoint is in use. Everything goes to one until it fails; then the next in the list is tried. */
export class EndpointRing {
  readonly all: readonly Endpoint[];
  #at = 0;

  constructor(endpoints: readonly Endpoint[]) {
    if (endpoints.length === 0) throw new Error("at least one endpoint is needed");
    this.all = endpoints;
  }

  get current(): Endpoint {
    return this.all[this.#at] as Endpoint;
  }

  /** Moves on, unless somebody else already did. */
  failed(endpoint: Endpoint): void {
    if (this.current === endpoint) this.#at = (this.#at + 1) % this.all.length;
  }
}
