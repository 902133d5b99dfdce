import { deferred } from "../../../base/deferred.ts";
import { type MembersResponse, membersResponse } from "../../../proto/etcd-cluster.ts";
import { dial, type PeerTls } from "./dial.ts";
import { frame, frameKinds } from "./frame.ts";
import { readAnswer, writeQuestion } from "./question.ts";

const answerWithinMs = 3_000;

/** Asks a running member who belongs to its cluster; for one that was added and does not know its own id yet. */
export async function askMembers(
  url: string,
  serverVersion: string,
  tls: PeerTls | undefined,
): Promise<MembersResponse> {
  const answer = deferred<MembersResponse>();
  const socket = await dial(
    url,
    { clusterId: 0n, from: 0n, to: 0n, purpose: "members", serverVersion, tls },
    {
      onFrame: ({ kind, payload }) => {
        if (kind !== frameKinds.answer) return;
        const { error, payload: body } = readAnswer(payload);
        if (error === undefined) answer.resolve(membersResponse.decode(body));
        else answer.reject(error);
      },
      onEnd: (error) => answer.reject(error),
    },
  );
  socket.setTimeout(answerWithinMs, () => answer.reject(new Error(`no answer from ${url}`)));
  try {
    socket.write(frame(frameKinds.question, writeQuestion({ number: 1, kind: "members", id: 0n })));
    return await answer.promise;
  } finally {
    socket.destroy();
  }
}
