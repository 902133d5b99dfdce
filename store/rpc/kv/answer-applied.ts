import type { ApplyResponse } from "../../apply/types.ts";
import type { Outcome } from "../../propose/pending.ts";
import type { UnaryAnswer } from "../handler.ts";
import type { MemberParts } from "../member.ts";

/** Answers a request with what came of it in the log. */
export class AnswerApplied implements Outcome {
  readonly #parts: MemberParts;
  readonly #out: UnaryAnswer;
  readonly #encode: (response: ApplyResponse, revision: number, parts: MemberParts) => Uint8Array;

  constructor(
    parts: MemberParts,
    out: UnaryAnswer,
    encode: (response: ApplyResponse, revision: number, parts: MemberParts) => Uint8Array,
  ) {
    this.#parts = parts;
    this.#out = out;
    this.#encode = encode;
  }

  applied(response: ApplyResponse, revision: number): void {
    let answer: Uint8Array;
    try {
      answer = this.#encode(response, revision, this.#parts);
    } catch (error) {
      this.#out.fail(error);
      return;
    }
    this.#out.succeed(answer);
  }

  failed(error: Error): void {
    this.#out.fail(error);
  }
}
