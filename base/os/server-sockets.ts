import { constants } from "node:crypto";
import { readFileSync } from "node:fs";

/** TLS servers that never agree to a second handshake within a connection: it costs them far more than whoever asks, and HTTP/2
 *  forbids it (RFC 9113, section 9.2.1). */
export const oneHandshake = { secureOptions: constants.SSL_OP_NO_RENEGOTIATION } as const;

/** The system finds out whether the other side of a silent connection is still there. */
export const probingSilence = { keepAlive: true, keepAliveInitialDelay: 30_000 } as const;

/** What a process needs for its own files and for connections that it makes itself. */
const ownFilesMost = 2_000;

/** How many connections a server may hold so that files can still be opened beside them. Undefined where the system does not say
 *  how many files there may be. */
export function connectionsMost(filesMost = openFilesMost()): number | undefined {
  if (filesMost === undefined) return undefined;
  return Math.max(filesMost - ownFilesMost, Math.ceil(filesMost / 2));
}

/** Files and connections that the process may have open. */
function openFilesMost(): number | undefined {
  let limits: string;
  try {
    limits = readFileSync("/proc/self/limits", "latin1");
  } catch {
    return undefined;
  }
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? undefined : Number(soft);
}
