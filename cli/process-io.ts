import type { CommandIo } from "./command.ts";

const secondWishMs = 1000;

/** The process's own streams and environment, and its end as SIGINT and SIGTERM ask for it: the signal's abort has an Error with
 *  its name. A person's second Ctrl-C ends the process at once. */
export function processIo(client: CommandIo["client"]): CommandIo {
  const interrupt = new AbortController();
  let askedMs = Number.NEGATIVE_INFINITY;
  const onSignal = (signal: NodeJS.Signals) => {
    // Who sends a signal to us and to our group sends it twice; only a person's second wish comes later.
    if (interrupt.signal.aborted && performance.now() - askedMs > secondWishMs) process.exit(130);
    if (!interrupt.signal.aborted) askedMs = performance.now();
    interrupt.abort(new Error(signal));
  };
  // Whoever read our output has seen enough (`pintle get … | head`); what we do goes on.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return {
    stdout: (text) => process.stdout.write(text),
    stderr: (text) => process.stderr.write(text),
    stdin: process.stdin,
    env: process.env,
    signal: interrupt.signal,
    client,
  };
}
