import type { Log } from "../../base/os/log.ts";

/** The newest are known. */
const knownMost = 256;

/** Logs what servers warn of, each text once: a watch that begins anew is warned of each time. */
export function warningsTo(log: Log): (text: string) => void {
  const known = new Set<string>();
  return (text) => {
    if (known.has(text)) return;
    known.add(text);
    const [oldest] = known;
    if (known.size > knownMost && oldest !== undefined) known.delete(oldest);
    log.warn("the server warns", { warning: text });
  };
}
