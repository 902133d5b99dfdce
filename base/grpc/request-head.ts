import type { Header } from "../http2/header.ts";
import { headerBlock } from "../http2/header-block.ts";

/** No call waits longer than gRPC can say in milliseconds. */
const timeoutMsMost = 99_999_999;

export interface RequestHead {
  readonly scheme: string;
  readonly authority: string;
  readonly path: string;
  /** In whole milliseconds; absent: as long as it takes. */
  readonly timeoutMs?: number | undefined;
  readonly metadata?: readonly Header[];
}

/** The block of headers that a call begins with. */
export function requestHead({ scheme, authority, path, timeoutMs, metadata = [] }: RequestHead): Buffer {
  const deadline =
    timeoutMs === undefined
      ? []
      : [{ name: "grpc-timeout", value: `${Math.min(timeoutMs, timeoutMsMost)}m` }];
  return headerBlock([
    { name: ":method", value: "POST" },
    { name: ":scheme", value: scheme },
    { name: ":path", value: path },
    { name: ":authority", value: authority },
    { name: "te", value: "trailers" },
    { name: "content-type", value: "application/grpc" },
    { name: "user-agent", value: "grpc-pintle" },
    ...deadline,
    ...metadata,
  ]);
}
