/** Longer than any frame that is gathered. */
const arenaBytes = 64 * 1024;
/** So many as connections write to in one turn of the event loop, as a rule. */
const spareMost = 64;

const spare: Buffer[] = [];

/** Memory to gather frames in. A connection has some while it has something to send; those that say nothing have none. */
export function takeArena(): Buffer {
  return spare.pop() ?? Buffer.allocUnsafeSlow(arenaBytes);
}

/** Nobody reads what is in it any more. */
export function giveArena(arena: Buffer): void {
  if (spare.length < spareMost) spare.push(arena);
}
