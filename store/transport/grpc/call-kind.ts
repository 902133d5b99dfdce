import type { Deadlines, Expiring } from "../../../base/deadlines.ts";
import type { Encoding } from "../../../base/grpc/message-reader.ts";
import type { GrpcStatus } from "../../../base/grpc/status.ts";
import type { Counting } from "../../../base/os/tally.ts";
import type { WireStatus } from "../../rpc/status.ts";
import type { SlowCalls } from "../../slow-calls.ts";
import type { MethodMetrics } from "./call-metrics.ts";
import { lateAnswerMs } from "./timeout.ts";

export interface KindParts {
  readonly metrics: MethodMetrics;
  /** Calls of clients of this version. */
  readonly requests: Counting;
  readonly deadlines: Deadlines;
  readonly requireLeader: boolean;
  /** What says who asks: the metadata `token`, else `authorization`. */
  readonly token: string | undefined;
  readonly traceparent: string | undefined;
  /** A gateway asks, whose certificate says nothing of who is behind it. */
  readonly isGateway: boolean;
  readonly encoding: Encoding;
  readonly bytesMost: number;
  readonly received: Counting;
  readonly sent: Counting;
  readonly path: string;
  readonly slow: SlowCalls;
  /** A message could not be read. */
  readonly receiveFailed: () => void;
  /** What an error looks like on the wire. */
  readonly failure: (error: unknown) => WireStatus;
}

/** What calls of one method have in common that say the same of themselves, and how such a call begins and ends. */
export class CallKind {
  readonly parts: KindParts;

  constructor(parts: KindParts) {
    this.parts = parts;
  }

  /** Gives what `finish` is to be told of the call's deadline. */
  start(call: Expiring, startMs: number, timeoutMs: number | undefined): number | undefined {
    const { metrics, deadlines } = this.parts;
    metrics.start();
    return timeoutMs === undefined ? undefined : deadlines.add(startMs + lateAnswerMs(timeoutMs), call);
  }

  finish(call: Expiring, status: GrpcStatus, tookMs: number, deadline: number | undefined): void {
    const { metrics, deadlines } = this.parts;
    metrics.finish(status, tookMs);
    if (deadline !== undefined) deadlines.forget(deadline, call);
  }
}
