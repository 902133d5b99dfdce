/** Refusals by Kubernetes' names. */
export const reasons = {
  Conflict: 409,
  AlreadyExists: 409,
  NotFound: 404,
  Forbidden: 403,
  Unauthorized: 401,
  Invalid: 422,
  TooManyRequests: 429,
  Timeout: 504,
  ServiceUnavailable: 503,
  InternalError: 500,
} as const;
