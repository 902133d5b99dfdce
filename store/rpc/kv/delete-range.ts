import type { Encodable } from "../../../base/protobuf.ts";
import {
  type DeleteRangeRequest,
  type DeleteRangeResponse,
  deleteRangeResponse,
} from "../../../proto/etcd.ts";
import type { DeleteRangeAnswer } from "../../mvcc/delete-range.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";
import { checkDeleteRange } from "./checks.ts";
import { largeAnswer } from "./repeated-answer.ts";

export async function deleteRange(
  request: DeleteRangeRequest,
  bytes: Uint8Array,
  parts: MemberParts,
): Promise<Encodable<DeleteRangeResponse> | Uint8Array> {
  checkDeleteRange(request);
  const { response, revision } = await parts.proposer.propose("deleteRange", bytes);
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
