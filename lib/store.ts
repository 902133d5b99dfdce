/** A transactional, watchable key-value store with history, in this process.
 *
 *  @packageDocumentation */
export type { LogTarget } from "../store/embedded/log-target.ts";
export type { History, MemberOptions, MemberSettings } from "../store/embedded/member-options.ts";
export { type OpenOptions, openStore, type Store } from "../store/embedded/open-store.ts";
export * from "./keyspace.ts";
