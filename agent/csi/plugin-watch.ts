import { watch } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { backoffMs } from "../../base/backoff.ts";
import { deferred } from "../../base/deferred.ts";
import { sleep } from "../../base/os/clock.ts";
import { ifPresent } from "../../base/os/if-present.ts";
import { makeFolder } from "../../base/os/make-folder.ts";
import type { Os } from "../../base/os/os.ts";

/** More than any machine has plugins. */
const socketsMost = 256;
/** Whatever the kernel does not tell is seen after this long. */
const lookAgainMs = 10_000;
const retry = { firstMs: 500, mostMs: 120_000 } as const;

export interface PluginWatchDeps {
  readonly os: Pick<Os, "clock" | "log" | "random">;
  /** Rejects where it is to be tried again. */
  readonly register: (socket: string, signal: AbortSignal) => Promise<void>;
  /** The socket is gone, or is another one by now. */
  readonly unregister: (socket: string, signal: AbortSignal) => Promise<void>;
}

interface Plugin {
  /** By which a socket made anew under the same name is told from the one before. */
  readonly identity: string;
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/** Follows the sockets that plugins put into a folder: each is registered, again and again until that succeeds, and
 *  unregistered when it goes. One that hangs holds up no other. */
export async function watchPlugins(
  folder: string,
  deps: PluginWatchDeps,
  signal: AbortSignal,
): Promise<void> {
  const { os } = deps;
  await makeFolder(folder, 0o750);
  const plugins = new Map<string, Plugin>();
  let bell = deferred<void>();
  const ring = () => bell.resolve();
  const watcher = watch(folder, { persistent: false }, ring);
  watcher.on("error", ring); // what it does not tell is looked for
  signal.addEventListener("abort", ring, { once: true });
  try {
    while (!signal.aborted) {
      bell = deferred();
      const cancel = os.clock.after(lookAgainMs, ring);
      const found = await socketsIn(folder);
      for (const [path, { identity, stop, done }] of plugins) {
        if (found.get(path) === identity) continue;
        stop.abort(new Error("its socket is gone"));
        await done;
        plugins.delete(path);
        await deps.unregister(path, signal).catch((error: unknown) => {
          if (!signal.aborted) os.log.warn("cannot unregister a plugin", { socket: path, error });
        });
      }
      for (const [path, identity] of found) {
        if (plugins.has(path) || signal.aborted) continue;
        const stop = new AbortController();
        plugins.set(path, { identity, stop, done: registerUntilDone(path, deps, stop.signal) });
      }
      await bell.promise;
      cancel();
    }
  } finally {
    signal.removeEventListener("abort", ring);
    watcher.close();
    for (const { stop } of plugins.values()) stop.abort(signal.reason);
    await Promise.all([...plugins.values()].map(({ done }) => done));
  }
}

async function registerUntilDone(
  socket: string,
  { os, register }: PluginWatchDeps,
  signal: AbortSignal,
): Promise<void> {
  for (let failures = 1; !signal.aborted; failures++)
    try {
      await register(socket, signal);
      return;
    } catch (error) {
      if (signal.aborted) return;
      os.log.warn("cannot register a plugin", { socket, failures, error });
      const waitMs = backoffMs(retry, failures, os.random);
      await sleep(os.clock, waitMs, signal).catch(() => undefined); // aborted: the loop ends
    }
}

async function socketsIn(folder: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const name of ((await ifPresent(readdir(folder))) ?? []).slice(0, socketsMost)) {
    const path = join(folder, name);
    // Not followed: a link may lead to any socket of this machine.
    const seen = await ifPresent(lstat(path));
    if (seen?.isSocket() && !name.startsWith(".")) found.set(path, `${seen.ino} ${seen.ctimeMs}`);
  }
  return found;
}
