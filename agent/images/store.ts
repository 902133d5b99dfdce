import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { holdFile } from "../../base/os/hold-file.ts";
import { ifPresent } from "../../base/os/if-present.ts";
import { makeFolder } from "../../base/os/make-folder.ts";
import { removeTree } from "../remove-tree.ts";
import type { LayerSource } from "../runtime/oci/root-filesystem.ts";
import { readOptional, writeRecord } from "../runtime/supervised/records.ts";
import { hostImage } from "./host-image.ts";
import { type Image, ImageError } from "./image.ts";
import { withPull } from "./image-access.ts";
import { configurationOf, documentLimits } from "./image-documents.ts";
import { isSha256 } from "./layers/chain-id.ts";
import {
  type BringOptions,
  type LayerInput,
  LayerStore,
  type LayerStoreOptions,
} from "./layers/layer-store.ts";
import type { PullCredentials } from "./pull-credentials.ts";
import { parseReference, referenceText } from "./reference.ts";

/** Where an image came from, and by which credentials. */
export interface Pull {
  /** `registry/repository`. */
  readonly repository: string;
  readonly credentials: Pick<PullCredentials, "hash" | "secret"> | undefined;
}

export interface NewImage {
  /** Digest of its configuration. */
  readonly id: string;
  readonly configuration: unknown;
  readonly sizeBytes: number;
  /** Complete names, and `registry/repository@sha256:…` where it was pulled. */
  readonly names: readonly string[];
  readonly digests: readonly string[];
  /** The lowest first. */
  readonly layers: readonly Pick<LayerInput, "fetch">[];
}

export interface StoreOptions extends LayerStoreOptions {
  /** Where layers are, if others have them too; the last that was said by default, else the images' own folder. */
  readonly layersDir?: string | undefined;
}

/** Images on this node: a list, and layers that others may have in common with it. Several processes may have one open. */
export class ImageStore implements LayerSource {
  readonly #dir: string;
  readonly #layers: LayerStore;

  private constructor(dir: string, layers: LayerStore) {
    this.#dir = dir;
    this.#layers = layers;
  }

  static async open(dir: string, { layersDir, ...options }: StoreOptions = {}): Promise<ImageStore> {
    await makeFolder(dir, 0o711);
    const path = join(dir, "layers-dir.json");
    const said = await readOptional(path);
    const before =
      said === undefined ? undefined : (JSON.parse(said) as { readonly layersDir: string }).layersDir;
    const chosen = resolve(layersDir ?? before ?? join(dir, "layers"));
    if (layersDir !== undefined && before !== chosen) await writeRecord(path, { layersDir: chosen });
    const layers = await LayerStore.open(chosen, options);
    await layers.addUser(resolve(dir));
    return new ImageStore(dir, layers);
  }

  get layersDir(): string {
    return this.#layers.dir;
  }

  async list(): Promise<readonly Image[]> {
    const text = await readOptional(join(this.#dir, "images.json"));
    return [hostImage, ...(text === undefined ? [] : (JSON.parse(text) as Image[]))]; // written by us, whole
  }

  /** By name as pods give it, or by id. One whose layers are gone, for they were in another folder, is not here. */
  async find(name: string): Promise<Image | undefined> {
    const images = await this.list();
    const byId = images.find(({ id }) => id === name);
    const full = byId === undefined ? referenceText(parseReference(name)) : "";
    const found = byId ?? images.find((image) => image.names.includes(full) || image.digests.includes(full));
    return found !== undefined && (await this.#isWhole(found)) ? found : undefined;
  }

  async lowerDirs(imageId: string): Promise<readonly string[]> {
    const { layers } = await this.#listed(imageId);
    if (layers !== undefined) return this.#layers.trees(layers);
    return [imageId === hostImage.id ? "/" : this.#ownTree(imageId)];
  }

  /** One folder that shows all of an image. */
  async folderOf(imageId: string, signal?: AbortSignal): Promise<string> {
    const { layers } = await this.#listed(imageId);
    if (layers !== undefined) return this.#layers.whole(layers, signal);
    return imageId === hostImage.id ? "/" : this.#ownTree(imageId);
  }

  /** Brings in what is missing of an image and lists it. Rejects with ImageError. */
  async add(image: NewImage, options: BringOptions & { readonly pull?: Pull } = {}): Promise<Image> {
    if (!isSha256(image.id)) throw new ImageError(`"${image.id}" is not a sha256 digest`);
    if (image.layers.length > documentLimits.layersMost)
      throw new ImageError(
        `the image has ${image.layers.length} layers; ${documentLimits.layersMost} are the most`,
      );
    const { config, contents } = configurationOf(image.configuration, image.layers.length);
    const { id, names, digests, sizeBytes } = image;
    const old = (await this.list()).find((one) => one.id === id);
    if (old?.layers === undefined && old !== undefined && (await this.#isWhole(old)))
      return this.#enlist({ id, names, digests, sizeBytes, config }, options.pull);
    const inputs = image.layers.map(({ fetch }, at) => ({ fetch, content: contents[at] ?? "" }));
    return this.#layers.bring(inputs, options, (layers) =>
      this.#enlist({ id, names, digests, sizeBytes, layers, config }, options.pull),
    );
  }

  /** Records who may use an image, besides those of whom it is known. */
  async recordAccess(id: string, pull: Pull): Promise<void> {
    await this.#change((images) =>
      images.map((image) =>
        image.id === id
          ? { ...image, access: withPull(image.access, pull.repository, pull.credentials) }
          : image,
      ),
    );
  }

  /** Forgets an image and frees its space: its layers go that no other image has, here or on another node. */
  async remove(id: string): Promise<void> {
    await this.#change((images) => images.filter((image) => image.id !== id));
    if (isSha256(id)) await removeTree(this.#ownTree(id));
    await this.sweep();
  }

  /** Removes layers that no image has, on no node; those that just came perhaps belong to one that is still being pulled. */
  sweep({ youngMs = 0 } = {}): Promise<void> {
    return this.#layers.sweep(youngMs);
  }

  async #enlist(image: Image, pull: Pull | undefined): Promise<Image> {
    let merged = image;
    await this.#change((stored) => {
      const same = stored.find(({ id }) => id === image.id);
      const names = [...new Set([...image.names, ...(same?.names ?? [])])];
      const access = pull ? withPull(same?.access, pull.repository, pull.credentials) : same?.access;
      const digests = [...new Set([...image.digests, ...(same?.digests ?? [])])];
      merged = { ...image, names, digests, ...(access && { access }) };
      // A name belongs to one image: the last that was given it.
      const others = stored
        .filter(({ id }) => id !== image.id)
        .map((other) => ({ ...other, names: other.names.filter((name) => !names.includes(name)) }));
      return [...others, merged];
    });
    return merged;
  }

  /** Reads the list and replaces it, one change after the other, whichever process makes it. */
  async #change(how: (images: readonly Image[]) => readonly Image[]): Promise<void> {
    const path = join(this.#dir, "images.json");
    const release = await holdFile(this.#dir, { wait: new AbortController().signal });
    try {
      const stored = (await this.list()).filter(({ id }) => id !== hostImage.id);
      await writeRecord(path, how(stored));
    } finally {
      await release();
    }
  }

  async #listed(id: string): Promise<Image> {
    const image = (await this.list()).find((one) => one.id === id);
    if (image === undefined) throw new ImageError(`the image ${id} is not here`);
    return image;
  }

  async #isWhole({ id, layers }: Image): Promise<boolean> {
    if (layers !== undefined) return this.#layers.isThere(layers);
    return id === hostImage.id || (await ifPresent(stat(this.#ownTree(id)))) !== undefined;
  }

  #ownTree(id: string): string {
    return join(this.#dir, "trees", id.replace("sha256:", ""));
  }
}
