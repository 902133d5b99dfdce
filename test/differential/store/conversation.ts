import type { Method } from "../../../proto/etcd-methods.ts";
import type { Side } from "./beside.ts";
import type { Told } from "./raw-client.ts";
import { type Asked, methodOf } from "./requests.ts";

/** A request in the name of a user, whose last token it shows; nobody's: empty. */
export interface Step {
  readonly by: string;
  readonly asked: Asked;
}

/** Who shows a token that nobody was given. */
export const forger = "a forger";

/** What one store is asked, one step after the other, in the name of users that it gave tokens to. */
export class Conversation {
  readonly #side: Side;
  readonly #tokens = new Map<string, string>([[forger, "forgedforgedforg.5"]]);

  constructor(side: Side) {
    this.#side = side;
  }

  async take({ by, asked }: Step): Promise<Told> {
    const told = await this.#ask(asked, this.#tokens.get(by));
    if (asked.method !== "authenticate" || !("answer" in told)) return told;
    const { token, ...answer } = told.answer as { token: string };
    this.#tokens.set((asked.request as { name: string }).name, token);
    return { answer };
  }

  async #ask(asked: Asked, token: string | undefined): Promise<Told> {
    const { client } = this.#side;
    const method = methodOf(asked);
    switch (method.kind) {
      case "unary":
        return client.call(method, asked.request, token);
      case "serverStream":
        return { answer: await client.stream(method, asked.request, token) };
      case "bidiStream":
        return this.#firstOf(method, asked.request, token);
    }
  }

  /** The first answer of a stream, on which the client leaves. */
  async #firstOf(method: Method<object, object>, request: object, token: string | undefined): Promise<Told> {
    const stream = this.#side.client.open(method, token);
    stream.send(request);
    await stream.until((told) => told.length > 0);
    const [first] = stream.told;
    stream.cancel();
    return first as Told;
  }
}

/** How far the store has got, by what it told. */
export function revisionIn(told: Told): number | undefined {
  if (!("answer" in told)) return undefined;
  const { revision = 0 } = (told.answer as { header?: { revision?: number } }).header ?? {};
  return revision === 0 ? undefined : revision;
}
