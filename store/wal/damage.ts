/** The log cannot be trusted: something other than the end of an interrupted write is wrong with it. */
export class WalDamageError extends Error {
  override readonly name = "WalDamageError";
  readonly file: string;
  readonly offset: number;

  constructor(file: string, offset: number, problem: string) {
    super(
      `write-ahead log is damaged: ${file} at byte ${offset}: ${problem}; nothing was changed. ` +
        "Remove this member from the cluster and add it again with an empty data directory, or restore a snapshot",
    );
    this.file = file;
    this.offset = offset;
  }
}

/** The disk refused a write. The member must stop: what it holds on disk is no longer known. */
export class WalWriteError extends Error {
  override readonly name = "WalWriteError";

  constructor(file: string, cause: unknown) {
    super(`cannot write the write-ahead log ${file}: ${reason(cause)}`, { cause });
  }
}

function reason(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return "no space left on the device; free some and start the member again, nothing acknowledged is lost";
  }
  return "the disk failed; check it, then start the member again";
}
