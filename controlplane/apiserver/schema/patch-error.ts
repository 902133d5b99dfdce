/** A strategic merge patch contradicts itself or the schema, in Kubernetes' words. */
export class PatchError extends Error {
  override readonly name = "PatchError";
  readonly code: 400 | 422 | 500;

  /** @param code Most flaws of a patch Kubernetes calls its own failure. */
  constructor(message: string, code: 400 | 422 | 500 = 500) {
    super(message);
    this.code = code;
  }
}
