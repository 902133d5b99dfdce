/** A Kubernetes-compatible cluster inside your own process.
 *
 *  @packageDocumentation */
export { ApiError, ConnectionError } from "../client/api-error.ts";
