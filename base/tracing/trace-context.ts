/** Which span of which trace asks, as W3C Trace Context writes it. */
export interface TraceContext {
  /** 32 digits, not all zero. */
  readonly traceId: string;
  /** 16 digits, not all zero. */
  readonly spanId: string;
  readonly isSampled: boolean;
}

const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Undefined where it is none: then a trace begins here. */
export function parseTraceparent(text: string | undefined): TraceContext | undefined {
  if (text === undefined || text.length > 512) return undefined;
  const [, version, traceId = "", spanId = "", flags = "", rest] = form.exec(text) ?? [];
  // Later versions may say more.
  if (version === undefined || version === "ff" || (version === "00" && rest !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export function traceparent({ traceId, spanId, isSampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${isSampled ? "01" : "00"}`;
}
