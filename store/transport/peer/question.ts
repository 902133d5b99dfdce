import { bytes, message, signedId, string, uint32 } from "../../../base/protobuf.ts";
import { StoreError, type StoreErrorCode, storeErrors } from "../../errors.ts";

/** Questions between members beside raft: what only the leader can answer (lease renewals). */
const question = message({ number: uint32(1), kind: string(2), id: signedId(3) });
const answer = message({ number: uint32(1), code: string(2), text: string(3), payload: bytes(4) });

export interface Question {
  readonly number: number;
  readonly kind: string;
  readonly id: bigint;
}

export const writeQuestion = (value: Question): Uint8Array => question.encode(value);
export const readQuestion = (payload: Uint8Array): Question => question.decode(payload);

export function writeAnswer(number: number, outcome: Uint8Array | Error): Uint8Array {
  if (outcome instanceof Uint8Array) return answer.encode({ number, payload: outcome });
  const code = outcome instanceof StoreError ? outcome.code : "TIMEOUT";
  return answer.encode({ number, code, text: outcome.message });
}

export function readAnswer(from: Uint8Array): {
  readonly number: number;
  readonly payload: Uint8Array;
  readonly error: StoreError | undefined;
} {
  const { number, code, payload } = answer.decode(from);
  if (code === "") return { number, payload, error: undefined };
  const known: StoreErrorCode = Object.hasOwn(storeErrors, code) ? (code as StoreErrorCode) : "TIMEOUT";
  return { number, payload, error: new StoreError(known) };
}
