import { type OptionKinds, optionProblems, withMethods } from "../../base/options.ts";
import type { Clock } from "../../base/os/clock.ts";
import { UsageError } from "../../base/os/flags.ts";
import { Prng, type Random, systemRandom } from "../../base/os/random.ts";
import type { Keyspace } from "../client/keyspace/api.ts";
import { type Codec, text } from "../client/keyspace/codec.ts";
import { OpenKeyspace } from "../client/keyspace/keyspace.ts";
import { openKinds } from "../client/keyspace/open-kinds.ts";
import { type Key, KeyFolder } from "../client/keyspace/places.ts";
import { openEmbedded } from "./embedded-store.ts";
import { type LogTarget, logTo } from "./log-target.ts";
import { type MemberSettings, settingKinds } from "./member-options.ts";

export interface OpenOptions<V = string> extends MemberSettings {
  /** How values are written: `text` by default, `bytes`, `json()`, or one of your own. */
  readonly codec?: Codec<V> | undefined;
  /** All keys begin with this, and are shown without it. */
  readonly namespace?: Key | undefined;
  /** For calls that name none. By default 10,000. */
  readonly timeoutMs?: number | undefined;
  /** Ends the waiting for the store to serve. */
  readonly signal?: AbortSignal | undefined;
  /** What time it is, and who wakes whom when: in tests, a clock under control. By default the system's. */
  readonly clock?: Clock | undefined;
  /** With a clock under control, the same seed makes the same run. By default the system's randomness. */
  readonly seed?: number | undefined;
  /** Told of what the store does, `console` for one. By default nobody is. */
  readonly log?: LogTarget | undefined;
}

const kinds: OptionKinds = {
  ...settingKinds,
  ...openKinds,
  log: withMethods("`console`, or a logger", "debug", "info", "warn", "error"),
};

/** A store in this process. */
export interface Store<V> extends Keyspace<V>, AsyncDisposable {
  /** Where it listens for etcd's clients, with the port that it got; empty: nowhere. */
  readonly urls: readonly string[];
  /** Resolves when it was closed; rejects when it failed: its disk did, or it was taken out of its cluster. What is asked of it
   *  then fails with the same words, and its watches throw. */
  readonly done: Promise<void>;
  /** Ends all that was begun here, makes everything durable that is in a folder, and leaves nothing open: also where it rejects,
   *  since a disk that failed could not be written to. Idempotent. */
  close(): Promise<void>;
}

/** Opens a store: in memory, in a folder, or as a member of a cluster; then it waits until most members are there. No socket is
 *  opened but where `listen` or `member` ask for it, and no process is started.
 *  @throws UsageError for options that do not fit, one line each; else an error of one line: the folder is in use, or damaged. */
export function openStore(
  options?: OpenOptions<string> & { readonly codec?: undefined },
): Promise<Store<string>>;
export function openStore<V>(options: OpenOptions<V> & { readonly codec: Codec<V> }): Promise<Store<V>>;
export async function openStore<V>(
  options: Omit<OpenOptions<V>, "codec"> & { readonly codec?: Codec<V> | undefined } = {},
): Promise<Store<V>> {
  const problems = optionProblems(options, kinds);
  if (problems.length > 0) throw new UsageError(problems.join("\n"));
  const {
    codec = text as unknown as Codec<V>,
    namespace = "",
    log,
    seed,
    clock: given,
    ...settings
  } = options;
  const random: Random = seed === undefined ? systemRandom : new Prng(seed);
  const doors = { random, ...(given && { clock: given }), ...(log && { log: logTo(log) }) };
  const opened = await openEmbedded(settings, doors);
  const { running, client, clock, done, close } = opened;
  return Object.assign(new OpenKeyspace({ client, clock, random }, new KeyFolder(namespace), codec), {
    // Behind these stands what is told to other members.
    urls: running.clientUrls.slice(0, running.clientPorts.length),
    done,
    close,
    [Symbol.asyncDispose]: close,
  });
}
