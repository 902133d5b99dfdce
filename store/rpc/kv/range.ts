import type { Encodable } from "../../../base/protobuf.ts";
import { type RangeRequest, type RangeResponse, rangeResponse } from "../../../proto/etcd.ts";
import type { Call } from "../handler.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";
import { checkRange } from "./checks.ts";
import { largeAnswer } from "./large-answer.ts";

export async function range(
  request: RangeRequest,
  parts: MemberParts,
  call: Call,
): Promise<Encodable<RangeResponse> | Uint8Array> {
  checkRange(request);
  if (!request.serializable) await parts.reads.ready();
  await call.roomForAnswer?.();
  const roomForLarge = request.countOnly ? undefined : () => call.roomForLargeAnswer?.();
  const { kvs, more, count, ...answer } = await parts.state.storedRange(request, roomForLarge);
  const made = header(parts, answer.header.revision);
  const large = largeAnswer({
    head: () => rangeResponse.encode({ header: made }),
    field: 2,
    values: kvs,
    tail: () => rangeResponse.encode({ more, count }),
  });
  return large === undefined ? { header: made, kvs, more, count } : await parts.turns.run(large);
}
