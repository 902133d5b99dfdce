import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Log } from "../base/os/log.ts";

const within = { timeout: 5_000 };

/** Tells systemd, where it waits for that (a unit of Type=notify), that this process is ready. The socket in NOTIFY_SOCKET takes
 *  datagrams, which Node cannot send to a socket in the file system: systemd's own tool says it. A unit whose processes are not
 *  root's needs NotifyAccess=all, for it is a child of the unit's process who speaks. */
export async function notifySystemd(
  env: Readonly<Record<string, string | undefined>>,
  log: Log,
): Promise<void> {
  const { NOTIFY_SOCKET: socket } = env;
  if (socket === undefined || socket === "") return;
  log.info("notifying init daemon");
  try {
    await promisify(execFile)("systemd-notify", ["--ready"], { ...within, env: { ...env } });
    log.info("successfully notified init daemon");
  } catch (error) {
    log.error("failed to notify systemd for readiness", { error });
  }
}
