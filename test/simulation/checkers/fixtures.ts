import { type InternalRaftRequestParts, internalRaftRequest } from "../../../proto/etcd.ts";
import { CommittedLog, marker } from "../committed-log.ts";
import { chained, type LoggedEntry } from "../member-log.ts";
import type { Operation, Outcome } from "../operation.ts";

export const bytes = (text: string): Uint8Array => Buffer.from(text);

/** What was reported, by property. */
export function reports() {
  const said: string[] = [];
  return { said, report: (property: string, what: string) => said.push(`${property}: ${what}`) };
}

export function entry(
  index: number,
  term: number,
  data: Uint8Array = new Uint8Array(0),
  before = 0,
): LoggedEntry {
  const plain = { index, term, type: "normal", data } as const;
  return { ...plain, chain: chained(before, plain) };
}

/** A committed log of requests, each marked with its operation's number: 1, 2, … */
export function logOf(requests: readonly InternalRaftRequestParts[], log = new CommittedLog()): CommittedLog {
  let before = 0;
  for (const [at, request] of requests.entries()) {
    const data = internalRaftRequest.encode({ header: { id: 1n }, ...request });
    const logged = entry(at + 1, 1, data, before);
    log.add(logged, at * 1_000);
    before = logged.chain;
  }
  return log;
}

export const put = (key: string, value: string, operation = 0): InternalRaftRequestParts => {
  const plain = internalRaftRequest.encode({ put: { key: bytes(key), value: bytes(value) } });
  const body = plain.subarray(2); // its tag and length
  return {
    put: operation === 0 ? body : Buffer.concat([body, marker.encode({ operation })]),
  };
};

export const operation = (given: Partial<Operation>): Operation => ({
  id: 1,
  client: "c",
  kind: "put",
  request: {},
  serializable: false,
  life: undefined,
  floor: 0,
  ...given,
});
export const answer = (revision: number, more: object = {}): Outcome => ({
  kind: "answer",
  response: { header: { revision }, ...more },
});
