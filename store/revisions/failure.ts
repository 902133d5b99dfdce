import { BackendError } from "../backend/backend.ts";

/** Damage that the log cannot mend, with what to do. */
export function damagedLog(path: string, detail: string): BackendError {
  return new BackendError(
    "corrupt",
    `${path}: the revision log is damaged (${detail}); restore a snapshot, or remove this member's data directory and let it join anew`,
  );
}

/** What the system said of a file, with what to do. */
export function ioFailure(error: unknown, path: string, doing: string): BackendError {
  if (error instanceof BackendError) return error;
  const detail = error instanceof Error ? error.message : String(error);
  if (error instanceof Error && "code" in error && error.code === "ENOSPC")
    return new BackendError(
      "no-space",
      `${path}: the disk is full; free space there and start the member again, nothing acknowledged is lost`,
      error,
    );
  return new BackendError("io", `${path}: ${doing} the revision log failed: ${detail}`, error);
}
