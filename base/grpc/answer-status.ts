import { errorCodes } from "../http2/frames.ts";
import type { Header } from "../http2/header.ts";
import { headerValue } from "../http2/request-headers.ts";
import { type GrpcStatus, grpcStatus } from "./status.ts";

/** How a call failed. */
export interface CallFailure {
  readonly status: GrpcStatus;
  readonly message: string;
  /** False: the request certainly never left this machine. */
  readonly sent: boolean;
}

const failure = (status: GrpcStatus, message: string): CallFailure => ({ status, message, sent: true });

const statusByCode = new Map<string, GrpcStatus>(
  Object.entries(grpcStatus).map(([name, code]) => [String(code), name as GrpcStatus]),
);

/** What a server that is none of gRPC's means (gRPC's http-grpc-status-mapping). */
const statusByHttp: Readonly<Record<string, GrpcStatus>> = {
  400: "INTERNAL",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "UNIMPLEMENTED",
  429: "UNAVAILABLE",
  502: "UNAVAILABLE",
  503: "UNAVAILABLE",
  504: "UNAVAILABLE",
};

/** What the end of a stream means by its code (gRPC's PROTOCOL-HTTP2). */
const statusByReset: Readonly<Record<number, GrpcStatus>> = {
  [errorCodes.REFUSED_STREAM]: "UNAVAILABLE",
  [errorCodes.CANCEL]: "CANCELLED",
  [errorCodes.ENHANCE_YOUR_CALM]: "RESOURCE_EXHAUSTED",
};

/** A stream that the server ended, or undefined `code`: lost with its connection. */
export const statusOfReset = (code: number | undefined): GrpcStatus =>
  code === undefined ? "UNAVAILABLE" : (statusByReset[code] ?? "INTERNAL");

/** Why a head is no beginning of a gRPC answer; undefined when it is one. */
export function headProblem(headers: readonly Header[]): CallFailure | undefined {
  const code = headerValue(headers, ":status") ?? "";
  if (code !== "200") return failure(statusByHttp[code] ?? "UNKNOWN", `the server answers ${code}`);
  const type = headerValue(headers, "content-type") ?? "";
  if (type.startsWith("application/grpc")) return undefined;
  return failure("UNKNOWN", `the server answers with ${JSON.stringify(type)}, which is not gRPC`);
}

/** What the last headers say; undefined: the call succeeded. */
export function failureOf(headers: readonly Header[]): CallFailure | undefined {
  const code = headerValue(headers, "grpc-status");
  if (code === "0") return undefined;
  if (code === undefined) return failure("INTERNAL", "the server ended the answer without a status");
  const message = percentDecoded(headerValue(headers, "grpc-message") ?? "");
  return failure(statusByCode.get(code) ?? "UNKNOWN", message);
}

/** gRPC's own way: %XX is a byte of UTF-8; what is malformed stays as it is. */
function percentDecoded(text: string): string {
  if (!text.includes("%")) return text;
  const bytes = text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString();
}
