import { readdir, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ifPresent } from "../../base/os/if-present.ts";
import { makeFolder } from "../../base/os/make-folder.ts";
import { ConfigError } from "../sync/environment.ts";
import { isPlainName } from "../volumes/sub-paths.ts";
import { writeDurably } from "../write-durably.ts";
import { checkedSource, type RemoteSource } from "./remote-source.ts";

/** What is mounted for a pod, or may be: written before anything is done, so that whatever becomes of the agent, the next one
 *  undoes it, and goes on without the API. */
export interface RemoteRecord {
  readonly podUid: string;
  /** What the pod calls it. */
  readonly volume: string;
  readonly source: RemoteSource;
}

const folderName = "remote";

/** Of a node's pods: `<pods>/<uid>/remote/<volume>.json`. */
export class RemoteRecords {
  readonly #podsDir: string;

  constructor(podsDir: string) {
    this.#podsDir = podsDir;
  }

  async write({ podUid, volume, source }: RemoteRecord): Promise<void> {
    const file = this.#file(podUid, volume);
    await makeFolder(dirname(file), 0o700);
    await writeDurably(file, JSON.stringify(source));
  }

  async read(podUid: string, volume: string): Promise<RemoteRecord | undefined> {
    const text = await ifPresent(readFile(this.#file(podUid, volume), "utf8"));
    const source = text === undefined ? undefined : parsedSource(text);
    return source && { podUid, volume, source };
  }

  async remove(podUid: string, volume: string): Promise<void> {
    await rm(this.#file(podUid, volume), { force: true });
  }

  async ofPod(podUid: string): Promise<readonly RemoteRecord[]> {
    const names = (await ifPresent(readdir(join(this.#podsDir, podUid, folderName)))) ?? [];
    const volumes = names
      .filter((name) => name.endsWith(".json"))
      .map((name) => name.slice(0, -".json".length));
    const found = await Promise.all(volumes.map((volume) => this.read(podUid, volume)));
    return found.filter((one) => one !== undefined);
  }

  async all(): Promise<readonly RemoteRecord[]> {
    const uids = (await ifPresent(readdir(this.#podsDir))) ?? [];
    return (await Promise.all(uids.map((uid) => this.ofPod(uid)))).flat();
  }

  #file(podUid: string, volume: string): string {
    if (!isPlainName(volume)) throw new ConfigError(`volume ${JSON.stringify(volume)}: not a name`);
    return join(this.#podsDir, podUid, folderName, `${volume}.json`);
  }
}

/** Undefined for what was not written here. */
function parsedSource(text: string): RemoteSource | undefined {
  try {
    return checkedSource(JSON.parse(text) as RemoteSource);
  } catch (error) {
    // A text that lacks a part of it fails with a TypeError.
    if (error instanceof SyntaxError || error instanceof ConfigError || error instanceof TypeError)
      return undefined;
    throw error;
  }
}
