import { ExpiringMap } from "../../../base/expiring-map.ts";
import type { Clock } from "../../../base/os/clock.ts";

/** More at once are refused: who asks with ever new tokens does not make this node ask API servers without an end. */
const underWayMost = 64;
const answersMost = 4_096;

export class TooManyQuestions extends Error {}

/** Answers that hold for a while. Those who ask the same at once wait for one answer; a failure is not kept. */
export class KeptAnswers<T> {
  readonly #kept: ExpiringMap<{ readonly answer: T }>;
  readonly #underWay = new Map<string, Promise<T>>();
  readonly #keepMs: (answer: T) => number;

  constructor(clock: Pick<Clock, "monotonicMs">, keepMs: (answer: T) => number) {
    this.#kept = new ExpiringMap(clock, answersMost);
    this.#keepMs = keepMs;
  }

  async get(key: string, ask: () => Promise<T>): Promise<T> {
    const kept = this.#kept.get(key);
    if (kept !== undefined) return kept.answer;
    const sooner = this.#underWay.get(key);
    if (sooner !== undefined) return sooner;
    if (this.#underWay.size >= underWayMost) throw new TooManyQuestions("too many questions at once");
    const asked = ask();
    this.#underWay.set(key, asked);
    try {
      const answer = await asked;
      this.#kept.put(key, { answer }, this.#keepMs(answer));
      return answer;
    } finally {
      this.#underWay.delete(key);
    }
  }
}
