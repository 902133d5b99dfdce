/** Which endpoint each client of a Service with session affinity went to last (`sessionAffinity: ClientIP`). Pure but for
 *  what it remembers, which is bounded: past that the longest unseen client is forgotten. */
export class ClientAffinity {
  readonly #clientsMax: number;
  /** Longest unseen first. */
  readonly #clients = new Map<string, { readonly endpoint: string; readonly untilMs: number }>();

  constructor({ clientsMax }: { readonly clientsMax: number }) {
    this.#clientsMax = clientsMax;
  }

  /** Where this client is to go again, or undefined when it is new here or was away too long. */
  endpointOf(service: string, client: string, nowMs: number): string | undefined {
    const found = this.#clients.get(key(service, client));
    return found === undefined || found.untilMs <= nowMs ? undefined : found.endpoint;
  }

  /** The client connected to this endpoint; it stays so for `seconds` from now. */
  connected(
    service: string,
    client: string,
    {
      endpoint,
      seconds,
      nowMs,
    }: { readonly endpoint: string; readonly seconds: number; readonly nowMs: number },
  ): void {
    this.#clients.delete(key(service, client));
    this.#clients.set(key(service, client), { endpoint, untilMs: nowMs + seconds * 1000 });
    for (const [oldest] of this.#clients) {
      if (this.#clients.size <= this.#clientsMax) return;
      this.#clients.delete(oldest);
    }
  }
}

const key = (service: string, client: string) => `${service} ${client}`;
