/** The client for any etcd v3.
 *
 *  @packageDocumentation */
export { CallError } from "../store/client/call-error.ts";
export { openStoreClient } from "../store/client/open-client.ts";
