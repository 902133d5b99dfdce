import type { Encodable } from "../../../base/protobuf.ts";
import {
  type DeleteRangeRequest,
  type DeleteRangeResponse,
  deleteRangeResponse,
} from "../../../proto/etcd.ts";
import type { DeleteRangeAnswer } from "../../mvcc/delete-range.ts";
import type { Call } from "../handler.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";
import { checkDeleteRange } from "./checks.ts";
import { largeAnswer } from "./repeated-answer.ts";

export async function deleteRange(
  request: DeleteRangeRequest,
  bytes: Uint8Array,
  { parts, call }: { readonly parts: MemberParts; readonly call: Call },
): Promise<Encodable<DeleteRangeResponse> | Uint8Array> {
  checkDeleteRange(request);
  const by = parts.access.isOn ? await parts.access.whoAsks(call) : undefined;
  const { response, revision } = await parts.proposer.propose("deleteRange", bytes, { by });
  const { deleted, prevKvs } = response as DeleteRangeAnswer;
  const made = header(parts, revision);
  const large = largeAnswer({
    head: deleteRangeResponse.encode({ header: made, deleted }),
    field: 3,
    values: prevKvs,
    tail: new Uint8Array(0),
  });
  return large === undefined ? { header: made, deleted, prevKvs } : await parts.turns.run(large);
}
