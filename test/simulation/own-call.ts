import type { Call } from "../../store/rpc/handler.ts";

/** A call in the member's own name, which may do everything. */
export const ownCall: Call = { requireLeader: false, isOwn: true };
