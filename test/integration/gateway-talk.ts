/** A client of the JSON gateway, and all that it was answered, without what tells one cluster from another. */
export class GatewayTalk {
  readonly #endpoint: string;
  #token: string | undefined;
  readonly transcript: unknown[] = [];

  constructor(endpoint: string) {
    this.#endpoint = endpoint;
  }

  async ask(path: string, body: object | undefined, method = "POST"): Promise<unknown> {
    const answer = await this.#send(path, body, method);
    const said = JSON.parse(await answer.text());
    // 3.4 says 412 for what later versions say 400.
    const status = said.code === 9 ? "refused" : answer.status;
    this.transcript.push({ path, body, status, said: plain(said) });
    return said;
  }

  /** From then on it asks by this name. Nobody has a token but who is known by the password. */
  async logIn(name: string, password: string): Promise<void> {
    this.#token = name === "a forger" ? "forgedforgedforg.5" : undefined;
    const asked = { name, password };
    const said = (await this.ask("/v3/auth/authenticate", asked)) as { readonly token?: string };
    this.#token = said.token ?? this.#token;
  }

  /** A stream of what becomes of a watch, a line each. */
  watch(create_request: object) {
    const leaving = new AbortController();
    const lines: unknown[] = [];
    this.transcript.push({ create_request, lines });
    const reading = this.#send("/v3/watch", { create_request }, "POST", leaving.signal).then(linesOf);
    return {
      /** Resolves when so many lines have come since it began. */
      heard: async (count: number) => {
        const next = await reading;
        while (lines.length < count) lines.push(plain(JSON.parse(await next())));
      },
      leave: () => leaving.abort(),
    };
  }

  #send(path: string, body: object | undefined, method: string, signal?: AbortSignal): Promise<Response> {
    return fetch(this.#endpoint + path, {
      method,
      headers: {
        "content-type": "application/json",
        ...(this.#token !== undefined && { authorization: this.#token }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal !== undefined && { signal }),
    });
  }
}

/** Without ids, addresses and versions, and what only some versions of etcd have: `storage` among versions (from 3.6), `error`
 *  beside the same `message` (until 3.5). */
function plain(said: object): unknown {
  return JSON.parse(JSON.stringify(said), (name, value) => {
    if (name === "header") return { revision: value.revision };
    if (typed.has(name)) return typeof value;
    if (name === "storage" || (name === "error" && typeof value === "string")) return undefined;
    return name === "clientURLs" || name === "peerURLs" ? value.length : value;
  });
}

const typed: ReadonlySet<string> = new Set(["token", "ID", "etcdserver", "etcdcluster"]);

/** The lines of a body as they come. */
function linesOf({ body }: Response): () => Promise<string> {
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  return async () => {
    while (!rest.includes("\n")) {
      const { value, done } = (await reader?.read()) ?? { done: true };
      if (done) throw new Error(`the stream ended: ${rest}`);
      rest += value;
    }
    const end = rest.indexOf("\n");
    const line = rest.slice(0, end);
    rest = rest.slice(end + 1);
    return line;
  };
}
