import { goDurationText } from "../base/go-duration-text.ts";
import type { Log } from "../base/os/log.ts";
import type { Meter } from "../base/os/metrics.ts";
import type { Counting } from "../base/os/tally.ts";
import {
  internalRaftRequest,
  type RangeRequest,
  rangeRequest,
  type TxnRequest,
  txnRequest,
} from "../proto/etcd.ts";
import { requestText } from "./request-text.ts";

/** What took long: a request, in text. `response`: what is told of its answer. */
export interface SlowRequest {
  readonly prefix: "" | "read-only range " | "read-only txn ";
  readonly request: string;
  readonly response?: string;
  readonly error?: unknown;
}

/** Counts and logs what takes longer to be applied or read than --warning-apply-duration. */
export class SlowApplies {
  readonly warningMs: number;
  readonly #log: Log;
  readonly #count: Counting;

  constructor(options: { readonly warningMs: number }, parts: { readonly log: Log; readonly meter: Meter }) {
    this.warningMs = options.warningMs;
    this.#log = parts.log;
    this.#count = parts.meter
      .tally(
        "etcd_server_slow_apply_total",
        "The total number of slow apply requests (likely overloaded from slow disk).",
      )
      .of({});
  }

  /** To be called where `tookMs` is more than `warningMs`. */
  tell(tookMs: number, what: SlowRequest): void {
    this.#count.count++;
    this.#log.warn("apply request took too long", {
      took: goDurationText(tookMs),
      "expected-duration": goDurationText(this.warningMs),
      prefix: what.prefix,
      request: what.request,
      response: what.response ?? "",
      ...(what.error !== undefined && { error: what.error }),
    });
  }
}

/** A request of the log. */
export const loggedText = (id: bigint, kind: string, body: object): string =>
  `${requestText(internalRaftRequest, { header: { id } })} ${requestText(internalRaftRequest, { [kind]: body })}`;

export const rangeText = (request: RangeRequest): string => requestText(rangeRequest, request);
export const txnText = (request: TxnRequest): string => requestText(txnRequest, request);
