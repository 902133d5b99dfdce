/** What was asked for cannot be done with the files as they are; the message says why, and what can be done. */
export class OfflineError extends Error {
  override readonly name = "OfflineError";
  readonly operator = true;
}
