/** What a function answered that must say at once. A promise is something, whatever it will be, and would pass for a yes.
 *  @param what The function, in the error's words. */
export function notPromised<T>(value: T, what: string): T {
  if (value instanceof Promise) throw new TypeError(`${what}: answered a promise: it must not be async`);
  return value;
}
