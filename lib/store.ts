/** The store in a process of your own.
 *
 *  @packageDocumentation */
export { StoreError } from "../store/errors.ts";
