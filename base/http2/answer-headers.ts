import { isTrailers } from "./fields.ts";
import type { Header } from "./header.ts";

/** What a block of headers may be in an answer. */
export interface AnswerBlock {
  /** Undefined: it does not begin an answer. */
  readonly status: number | undefined;
  /** How long the answer is, where it says so. */
  readonly bodyBytes: number | undefined;
  readonly areTrailers: boolean;
}

const statusPattern = /^[1-9]\d\d$/;
const lengthPattern = /^\d{1,15}$/;
const nothing: AnswerBlock = { status: undefined, bodyBytes: undefined, areTrailers: false };

/** A head has `:status` first, trailers have no pseudo-header at all, and either only valid fields (RFC 9113, section 8.3.2). */
export function answerBlock(headers: readonly Header[]): AnswerBlock {
  const [first, ...fields] = headers;
  if (first?.name !== ":status") return { ...nothing, areTrailers: isTrailers(headers) };
  if (!statusPattern.test(first.value) || !isTrailers(fields)) return nothing;
  const lengths = new Set(fields.filter(({ name }) => name === "content-length").map(({ value }) => value));
  const [length] = lengths;
  if (lengths.size > 1 || (length !== undefined && !lengthPattern.test(length))) return nothing;
  const bodyBytes = length === undefined ? undefined : Number(length);
  return { status: Number(first.value), bodyBytes, areTrailers: false };
}
