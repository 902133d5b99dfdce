import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, open, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type HoldOptions, holdFile } from "../../../base/os/hold-file.ts";
import { ifPresent } from "../../../base/os/if-present.ts";
import { makeFolder } from "../../../base/os/make-folder.ts";
import { removeTree } from "../../remove-tree.ts";
import { readOptional, writeRecord } from "../../runtime/supervised/records.ts";
import { ImageError } from "../image.ts";
import { chainIds } from "./chain-id.ts";
import { type Claim, Claims } from "./claims.ts";
import { makeWhiteout } from "./layer-tree.ts";
import { Slots } from "./slots.ts";
import { newTree, sweepLayers, usersLock, wholeSuffix } from "./sweep-layers.ts";
import { type UnpackLimits, unpackLimits } from "./unpack-layer.ts";
import { type Unpacker, UnpackThread } from "./unpack-thread.ts";

export interface PackedLayer {
  readonly path: string;
  /** Which it must have; absent where nobody said. */
  readonly digest?: string;
}

export interface LayerInput {
  /** Digest of what is packed in it, as the image's configuration says. */
  readonly content: string;
  /** Brings it to this machine. `part` may hold what came of it before. Not called for a layer that stands already. */
  readonly fetch: (part: string, signal: AbortSignal) => Promise<PackedLayer>;
}

export interface BringOptions {
  readonly signal?: AbortSignal | undefined;
  /** Layers that are fetched at a time. */
  readonly fetchesMost?: number;
  /** Told of each layer, by its place among all, when it stands. */
  readonly onLayer?: (at: number, how: "there" | "unpacked", all: number) => void;
}

export interface LayerStoreOptions {
  /** Makes the file that stands for something removed. */
  readonly makeWhiteout?: (path: string) => void;
  readonly limits?: UnpackLimits;
  /** A thread of its own for each image by default. */
  readonly openUnpacker?: () => Unpacker;
}

/** As containerd has it. */
const fetchesMost = 3;
/** Of a chain's digest: short names, for the kernel takes one page of a mount's options. Who has the whole is recorded. */
const nameChars = 16;

/** Layers of images, each unpacked once, for all images and all nodes of one machine that are given this folder. A layer is known
 *  by its chain: with other layers below it, it is another. Processes may end at any instant; whatever is half done has no name. */
export class LayerStore {
  readonly #dir: string;
  readonly #options: LayerStoreOptions;
  readonly #claims: Claims;

  private constructor(dir: string, options: LayerStoreOptions) {
    this.#dir = dir;
    this.#options = options;
    this.#claims = new Claims(dir);
  }

  static async open(dir: string, options: LayerStoreOptions = {}): Promise<LayerStore> {
    for (const name of ["records", "locks", "parts", "users", "claims"])
      await makeFolder(join(dir, name), 0o700);
    // Containers without rights walk through it.
    await makeFolder(join(dir, "trees"), 0o711);
    await touch(join(dir, "claims.lock"));
    return new LayerStore(dir, options);
  }

  get dir(): string {
    return this.#dir;
  }

  /** From now on what a node's list of images names is kept. */
  async addUser(imagesDir: string): Promise<void> {
    const path = this.#at(
      "users",
      `${createHash("sha256").update(imagesDir).digest("hex").slice(0, nameChars)}.json`,
    );
    if (await ifPresent(stat(path))) return;
    await this.#claims.betweenSweeps(async () => {
      const unlock = await this.#lock(usersLock, { wait: new AbortController().signal });
      try {
        await writeRecord(path, { imagesDir });
      } finally {
        await unlock();
      }
    });
  }

  /** Layers that are missing are fetched, several at a time, and unpacked. All stay until `enlist` is done with their names, the
   *  lowest first: by then a node's list names them. Rejects with ImageError; parts of what was fetched stay for the next try. */
  async bring<T>(
    layers: readonly LayerInput[],
    options: BringOptions,
    enlist: (names: readonly string[]) => Promise<T>,
  ): Promise<T> {
    const chain = chainIds(layers.map(({ content }) => content));
    const claimed = chain.flatMap((one) => [nameOf(one, false), nameOf(one, true)]);
    const claim = await this.#claims.take(claimed, options.signal);
    try {
      return await enlist(await this.#bringAll({ layers, chain, claim }, options));
    } finally {
      await claim.release();
    }
  }

  async #bringAll(
    what: {
      readonly layers: readonly LayerInput[];
      readonly chain: readonly string[];
      readonly claim: Claim;
    },
    options: BringOptions,
  ): Promise<readonly string[]> {
    const { layers, chain, claim } = what;
    const stop = new AbortController();
    const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
    const work = {
      claim,
      whiteout: await this.#whiteout(claim),
      unpacker: this.#openUnpacker(),
      slots: new Slots(options.fetchesMost ?? fetchesMost),
      signal,
    };
    let failure: { readonly error: unknown } | undefined;
    let below: Promise<readonly string[]> = Promise.resolve([]);
    const all: Promise<unknown>[] = [];
    for (const [at, layer] of layers.entries()) {
      const one = this.#bringOne({ layer, chain: chain[at] ?? "", below }, work);
      below = one.then(({ names }) => names);
      const told = one.then(({ how }) => options.onLayer?.(at, how, layers.length));
      for (const promise of [below, told])
        all.push(
          promise.catch((error: unknown) => {
            failure ??= { error };
            stop.abort(error);
          }),
        );
    }
    try {
      await Promise.all(all);
      options.signal?.throwIfAborted();
      if (failure !== undefined) throw failure.error;
      return await below;
    } finally {
      await work.unpacker.stop();
    }
  }

  /** Trees of layers, the topmost first. */
  trees(names: readonly string[]): readonly string[] {
    return names.map((name) => this.#tree(name)).reverse();
  }

  async isThere(names: readonly string[]): Promise<boolean> {
    for (const name of names) if (!(await ifPresent(stat(this.#tree(name))))) return false;
    return true;
  }

  /** One folder that shows what these layers are together. */
  async whole(names: readonly string[], signal?: AbortSignal): Promise<string> {
    const top = names.at(-1);
    if (top === undefined) throw new ImageError("the image has no layers");
    if (names.length === 1) return this.#tree(top);
    const name = `${top}${wholeSuffix}`;
    if (await this.isThere([name])) return this.#tree(name);
    const claim = await this.#claims.take([name, ...names], signal);
    try {
      const release = await this.#lock(name, { wait: signal ?? new AbortController().signal });
      const unpacker = this.#openUnpacker();
      try {
        if (await this.isThere([name])) return this.#tree(name);
        if (!(await this.isThere(names))) throw new ImageError("layers of the image are missing");
        await this.#make(name, claim, (tree) => unpacker.flatten(tree, this.trees(names)));
      } finally {
        await unpacker.stop();
        await release();
      }
    } finally {
      await claim.release();
    }
    return this.#tree(name);
  }

  /** Removes what no node's list names and nobody is at work on. Layers that came in the last `youngMs` stay: they may be of an
   *  image of which the others are still to come. */
  async sweep(youngMs = 0): Promise<void> {
    await sweepLayers(this.#dir, this.#claims, youngMs);
  }

  async #bringOne(
    one: { readonly layer: LayerInput; readonly chain: string; readonly below: Promise<readonly string[]> },
    work: Work,
  ): Promise<{ readonly names: readonly string[]; readonly how: "there" | "unpacked" }> {
    const { layer, chain, below } = one;
    const { whiteout, slots, signal } = work;
    const name = nameOf(chain, whiteout === undefined);
    // A tree that needs no other is alone.
    const names = async () => (whiteout === undefined ? [name] : [...(await below), name]);
    // In the order of the layers, the lowest first: of two processes that hold locks of each other's layers, one has the lowest.
    const leave = await slots.take(signal);
    try {
      if (await this.#stands(name, chain)) {
        leave();
        return { names: await names(), how: "there" };
      }
      const unlock = await this.#lock(name, { wait: signal });
      try {
        if (await this.#stands(name, chain)) return { names: await names(), how: "there" };
        const part = this.#at("parts", name);
        const packed = await layer.fetch(part, signal);
        leave();
        const beneath = await below;
        await this.#unpack({ name, chain, content: layer.content, packed, beneath }, work);
        await rm(part, { force: true });
        return { names: await names(), how: "unpacked" };
      } finally {
        await unlock();
      }
    } finally {
      leave();
    }
  }

  /** Only what the image's configuration says: its digest is what the image is known by, and used by others, afterwards. */
  async #unpack(
    one: {
      readonly name: string;
      readonly chain: string;
      readonly content: string;
      readonly packed: PackedLayer;
      readonly beneath: readonly string[];
    },
    { whiteout, unpacker, signal, claim }: Work,
  ): Promise<void> {
    const { name, chain, content, packed, beneath } = one;
    const limits = this.#options.limits ?? unpackLimits;
    const giveUp = () => void unpacker.stop();
    signal.addEventListener("abort", giveUp, { once: true });
    try {
      signal.throwIfAborted();
      await writeRecord(this.#at("records", `${name}.json`), { chain, content });
      await this.#make(name, claim, async (tree) => {
        const below = this.trees(beneath);
        const unpacked = await unpacker.unpack({ source: packed.path, tree, below, whiteout, limits });
        signal.throwIfAborted();
        if (packed.digest !== undefined && unpacked.packed !== packed.digest)
          throw new ImageError(`${packed.digest} came as ${unpacked.packed}`);
        if (unpacked.content !== content)
          throw new ImageError(
            `layer ${unpacked.packed} unpacks to ${unpacked.content}, the image's configuration says ${content}`,
          );
      });
    } catch (error) {
      signal.throwIfAborted();
      const came = packed.digest === undefined ? undefined : await digestOfFile(packed.path);
      // What is wrong with it will be so the next time.
      await rm(this.#at("parts", name), { force: true });
      if (came !== packed.digest) throw new ImageError(`${packed.digest} came as ${came}`, { cause: error });
      throw error;
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
  }

  /** Makes a tree under a name of no meaning; it gets its own when it is whole. */
  async #make(name: string, claim: Claim, work: (tree: string) => Promise<void>): Promise<void> {
    const tree = await mkdtemp(this.#at("trees", newTree(claim.id)));
    try {
      await work(tree);
      await rename(tree, this.#tree(name));
    } catch (error) {
      await removeTree(tree);
      throw error;
    }
  }

  async #stands(name: string, chain: string): Promise<boolean> {
    if (!(await this.isThere([name]))) return false;
    const record: unknown = JSON.parse((await readOptional(this.#at("records", `${name}.json`))) ?? "{}");
    if ((record as { readonly chain?: unknown }).chain !== chain)
      throw new ImageError(`another layer than ${chain} has its name`);
    return true;
  }

  async #lock(name: string, options: HoldOptions): Promise<() => Promise<void>> {
    const path = this.#at("locks", name);
    await touch(path);
    return holdFile(path, options);
  }

  /** The file that whiteouts are further names of; undefined where the system lets us make none. */
  async #whiteout(claim: Claim): Promise<string | undefined> {
    const path = this.#at("whiteout");
    if (await ifPresent(stat(path))) return path;
    const folder = await mkdtemp(this.#at("trees", newTree(claim.id)));
    try {
      (this.#options.makeWhiteout ?? makeWhiteout)(join(folder, "whiteout"));
      await rename(join(folder, "whiteout"), path);
      return path;
    } catch {
      return undefined; // then each tree is whole by itself
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  #openUnpacker(): Unpacker {
    return this.#options.openUnpacker?.() ?? new UnpackThread();
  }

  #tree(name: string): string {
    return this.#at("trees", name);
  }

  #at(...names: string[]): string {
    return join(this.#dir, ...names);
  }
}

interface Work {
  readonly claim: Claim;
  readonly whiteout: string | undefined;
  readonly unpacker: Unpacker;
  readonly slots: Slots;
  readonly signal: AbortSignal;
}

const nameOf = (chain: string, isAlone: boolean): string =>
  `${chain.slice("sha256:".length, "sha256:".length + nameChars)}${isAlone ? wholeSuffix : ""}`;

async function touch(path: string): Promise<void> {
  await (await open(path, "a", 0o600)).close();
}

async function digestOfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return `sha256:${hash.digest("hex")}`;
}
