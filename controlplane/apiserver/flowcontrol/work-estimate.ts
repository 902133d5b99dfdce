import type { RequestInfo } from "../filters/request-info.ts";
import type { WorkEstimate } from "./fair-queues.ts";

/** How many seats a request is thought to take, as kube-apiserver 1.36 reckons: lists by the bytes they hold in memory at once,
 *  writes by the watchers whom their event concerns. Pure. */

export interface KindSize {
  readonly count: number;
  readonly sizeBytes: number;
}

export interface EstimateFacts {
  /** Of the kind asked for; absent: nobody knows. */
  readonly size: KindSize | undefined;
  /** How many watches an event of this request would reach. */
  readonly watchers: number;
  /** The priority level's bound. */
  readonly seatsMax: number | undefined;
}

const bytesPerSeat = 100_000;
/** Lists from the cache are written piece by piece. */
const streamedBytesMax = 1_000_000;
const listSeatsMax = 100;
const writeSeatsMax = 10;
const watchersPerSeat = 10;
const eventMs = 5;
const oneSeat: WorkEstimate = { initialSeats: 1, finalSeats: 0, lingerMs: 0 };

export function estimateWork(info: RequestInfo, facts: EstimateFacts): WorkEstimate {
  switch (info.resource?.verb) {
    case "list":
      return listWork(info, facts);
    case "watch":
      return sendsAll(info.query) ? listWork(info, facts) : oneSeat;
    case "create":
    case "update":
    case "patch":
    case "delete":
      return writeWork(info, facts);
    default:
      return oneSeat;
  }
}

/** A watch that begins with all there is. */
function sendsAll(query: URLSearchParams): boolean {
  const version = query.get("resourceVersion") ?? "";
  return query.get("sendInitialEvents") === "true" || version === "" || version === "0";
}

/** All lists here come from the cache. */
function listWork({ resource, query }: RequestInfo, { size, seatsMax }: EstimateFacts): WorkEstimate {
  if (size === undefined || size.count === 0) return oneSeat;
  const limit = Number(query.get("limit") ?? 0);
  const limited = limit > 0 && limit < size.count ? limit : size.count;
  const named = resource?.name !== "" || /(^|,)metadata\.name==?[^,]/.test(query.get("fieldSelector") ?? "");
  const objects = named ? 1 : limited;
  const bytes = Math.min((objects * size.sizeBytes) / size.count, streamedBytesMax);
  const most = Math.min(seatsMax ?? listSeatsMax, listSeatsMax);
  return { ...oneSeat, initialSeats: Math.max(1, Math.min(Math.ceil(bytes / bytesPerSeat), most)) };
}

function writeWork({ resource }: RequestInfo, { watchers, seatsMax }: EstimateFacts): WorkEstimate {
  // Tokens make no event.
  if (resource?.plural === "serviceaccounts" && resource.subresource === "token") return oneSeat;
  if (watchers < watchersPerSeat) return oneSeat;
  const wanted = Math.ceil(watchers / watchersPerSeat);
  const finalSeats = Math.min(wanted, seatsMax ?? writeSeatsMax, writeSeatsMax);
  return { initialSeats: 1, finalSeats, lingerMs: (wanted * eventMs) / finalSeats };
}
