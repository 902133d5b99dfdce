/** A Status of the API, as the error channel of a session carries it. */
export interface SessionStatus {
  readonly status: "Success" | "Failure";
  readonly message?: string;
  readonly [field: string]: unknown;
}

const typeMeta = { kind: "Status", apiVersion: "v1" } as const;

export function exitStatus(exitCode: number): SessionStatus {
  if (exitCode === 0) return { ...typeMeta, metadata: {}, status: "Success" };
  return {
    ...typeMeta,
    metadata: {},
    status: "Failure",
    reason: "NonZeroExitCode",
    message: `command terminated with non-zero exit code: exit status ${exitCode}`,
    details: { causes: [{ reason: "ExitCode", message: String(exitCode) }] },
  };
}

export function failureStatus(message: string): SessionStatus {
  return {
    ...typeMeta,
    metadata: {},
    status: "Failure",
    reason: "InternalError",
    message: `Internal error occurred: ${message}`,
    code: 500,
  };
}

/** What is sent of it: a Status as JSON, or to older clients the text of a failure, and nothing of a success. */
export function statusText(status: SessionStatus, { hasStatus }: { readonly hasStatus: boolean }): string {
  if (hasStatus) return JSON.stringify(status);
  return status.status === "Success" ? "" : (status.message ?? "");
}

export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

/** `{"Width":80,"Height":24}`; undefined for anything else. */
export function parseSize(text: string): TerminalSize | undefined {
  const match = { width: /"Width":\s*(\d+)/.exec(text)?.[1], height: /"Height":\s*(\d+)/.exec(text)?.[1] };
  if (match.width === undefined || match.height === undefined) return undefined;
  return { width: Math.min(Number(match.width), 65_535), height: Math.min(Number(match.height), 65_535) };
}
