/** What a search's thread says: lines of JSON, then that there are no more. */
export type SearchSaid = { readonly lines: Uint8Array } | { readonly done: true };

/** What it is told: that lines were taken. */
export type SearchTold = { readonly taken: true };

/** How many messages are under way before it waits. */
export const linesAhead = 4;
