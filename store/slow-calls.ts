import { goDurationText } from "../base/go-duration-text.ts";
import type { Clock } from "../base/os/clock.ts";
import type { Log } from "../base/os/log.ts";
import {
  deleteRangeRequest,
  deleteRangeResponse,
  putRequest,
  rangeRequest,
  rangeResponse,
  requestOp,
  type TxnRequest,
  txnRequest,
  txnResponse,
} from "../proto/etcd.ts";
import { methods } from "../proto/etcd-methods.ts";
import { requestText } from "./request-text.ts";

/** A unary call that is over. */
export interface EndedCall {
  readonly path: string;
  readonly tookMs: number;
  /** Who asked: an address with its port; "" for a socket in the file system. */
  readonly remote: string;
  /** Undefined where it never was whole. */
  readonly request: Uint8Array | undefined;
  /** Undefined where it failed. */
  readonly answer: Uint8Array | undefined;
}

interface Stats {
  readonly requestCount: number;
  readonly requestBytes: number;
  readonly responseCount: number;
  readonly content: string;
}

type StatsOf = (request: Uint8Array, answer: Uint8Array) => Stats;

/** What etcd tells of calls that read and write keys. Of a transaction it counts the branch that was taken. */
const statsByPath: ReadonlyMap<string, StatsOf> = new Map<string, StatsOf>([
  [
    methods.range.path,
    (request, answer) => ({
      requestCount: 0,
      requestBytes: request.length,
      responseCount: rangeResponse.decode(answer).count,
      content: requestText(rangeRequest, rangeRequest.decode(request)),
    }),
  ],
  [
    methods.put.path,
    (request) => ({
      requestCount: 1,
      requestBytes: request.length,
      responseCount: 0,
      content: requestText(putRequest, putRequest.decode(request)),
    }),
  ],
  [
    methods.deleteRange.path,
    (request, answer) => ({
      requestCount: 0,
      requestBytes: request.length,
      responseCount: deleteRangeResponse.decode(answer).deleted,
      content: requestText(deleteRangeRequest, deleteRangeRequest.decode(request)),
    }),
  ],
  [methods.txn.path, (request, answer) => txnStats(txnRequest.decode(request), answer)],
]);

function txnStats(request: TxnRequest, answer: Uint8Array): Stats {
  const taken = txnResponse.decode(answer).succeeded ? request.success : request.failure;
  return {
    requestCount: taken.length,
    requestBytes: taken.reduce((sum, op) => sum + requestOp.encode(op).length, 0),
    responseCount: 0,
    content: requestText(txnRequest, request),
  };
}

/** Logs unary calls that take longer than --warning-unary-request-duration. */
export class SlowCalls {
  readonly warningMs: number;
  readonly #log: Log;
  readonly #clock: Pick<Clock, "wallMs">;

  constructor(
    options: { readonly warningMs: number },
    parts: { readonly log: Log; readonly clock: Pick<Clock, "wallMs"> },
  ) {
    this.warningMs = options.warningMs;
    this.#log = parts.log;
    this.#clock = parts.clock;
  }

  /** To be called where `tookMs` is more than `warningMs`. */
  tell({ path, tookMs, remote, request, answer }: EndedCall): void {
    const statsOf = request !== undefined && answer !== undefined ? statsByPath.get(path) : undefined;
    const stats = statsOf?.(request as Uint8Array, answer as Uint8Array);
    this.#log.warn("request stats", {
      "start time": new Date(this.#clock.wallMs() - tookMs).toISOString(),
      "time spent": goDurationText(tookMs),
      remote,
      "response type": path,
      "request count": stats?.requestCount ?? -1,
      "request size": stats?.requestBytes ?? -1,
      "response count": stats?.responseCount ?? -1,
      "response size": stats === undefined ? -1 : answer?.length,
      "request content": stats?.content ?? "",
    });
  }
}
