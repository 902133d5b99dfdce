import { silentLog } from "../../../base/os/log.ts";
import type { ResponseHeader } from "../../../proto/etcd.ts";
import { hashKvResponse } from "../../../proto/etcd-maintenance.ts";
import type { Member } from "../../membership/member.ts";
import type { KeyValueHash } from "../../mvcc/hash.ts";
import type { HashQuestion, PeerHashParts } from "../peer-hashes.ts";

/** What a member has: a hash and its newest revision, nothing, or a reason not to answer. */
export type Has = (KeyValueHash & { readonly revision: number }) | "nothing" | Error;

/** Member 1 among others, of which `has` tells by their ids from 2 on what they answer. */
export function amongOthers(...has: readonly Has[]): PeerHashParts & { readonly asked: HashQuestion[] } {
  const asked: HashQuestion[] = [];
  const members = Array.from({ length: has.length + 1 }, (_, at) => memberOf(BigInt(at + 1)));
  return {
    asked,
    memberId: 1n,
    members: () => members,
    ask: async ({ id }, question) => {
      asked.push(question);
      const answer = has[Number(id) - 2] ?? "nothing";
      if (answer instanceof Error) throw answer;
      if (answer === "nothing") return new Uint8Array(0);
      const { revision, ...hash } = answer;
      return hashKvResponse.encode({ header: headerOf(id, revision), ...hash });
    },
    log: silentLog,
  };
}

const headerOf = (memberId: bigint, revision: number): ResponseHeader => ({
  clusterId: 7n,
  memberId,
  revision,
  raftTerm: 2,
});

const memberOf = (id: bigint): Member => ({
  id,
  name: `m${id}`,
  peerUrls: [`http://m${id}`],
  clientUrls: [],
  isLearner: false,
});
