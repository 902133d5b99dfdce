import type { status } from "@grpc/grpc-js";

export type DriverStatus = keyof typeof status;

/** What a call is refused with, told to whoever made it. */
export class DriverError extends Error {
  override readonly name = "DriverError";
  readonly status: DriverStatus;

  constructor(status: DriverStatus, message: string) {
    super(message);
    this.status = status;
  }
}

export const invalid = (message: string) => new DriverError("INVALID_ARGUMENT", message);
