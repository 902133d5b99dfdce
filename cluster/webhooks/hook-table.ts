import type { HookAnswer, HookQuestion } from "../../controlplane/apiserver/webhooks/hook-client.ts";

/** Answers one review, which is the object that the API server posts, with another. */
export type AnswerReview = (review: Readonly<Record<string, unknown>>, url: string) => unknown;

/** Who answers for webhooks in this process, by URL. */
export class HookTable {
  readonly #answers = new Map<string, AnswerReview>();
  readonly #retired = new Set<string>();

  /** @param url All that begin with it where it ends with a slash. */
  set(url: string, answer: AnswerReview): void {
    if (this.#answers.has(url) && !this.#retired.delete(url))
      throw new TypeError(`somebody answers for ${url} already`);
    this.#answers.set(url, answer);
  }

  /** Another may take its place. Until then it goes on answering: a snapshot may bring back the configuration that leads here. */
  retire(url: string): void {
    this.#retired.add(url);
  }

  /** @param passed Told before and after, so that whoever waits for quiet waits for the answer. */
  find(url: string, passed: () => void): ((question: HookQuestion) => Promise<HookAnswer>) | undefined {
    const answer =
      this.#answers.get(url) ??
      [...this.#answers].find(([key]) => key.endsWith("/") && url.startsWith(key))?.[1];
    if (answer === undefined) return undefined;
    return async ({ body }) => {
      passed();
      const review = await answer(JSON.parse(body) as Record<string, unknown>, url);
      passed();
      return { code: 200, contentType: "application/json", text: JSON.stringify(review ?? null) };
    };
  }
}
