import { join } from "node:path";
import { describeError } from "../../../base/os/log.ts";
import { makeFolder } from "../../../base/os/make-folder.ts";
import { hostImageName } from "../../images/host-image.ts";
import { type Image, ImageError } from "../../images/image.ts";
import { type ImageAccess, withPull } from "../../images/image-access.ts";
import type { ImageSource } from "../../images/image-source.ts";
import { InTurn } from "../../images/in-turn.ts";
import type { PullCredentials } from "../../images/pull-credentials.ts";
import { parseReference, type Reference, referenceText, repositoryText } from "../../images/reference.ts";
import { readOptional, writeRecord } from "../supervised/records.ts";
import { criLimits, type ImageClient } from "./cri-client.ts";
import type { ImageMessage } from "./messages.ts";

/** What the images and what containers write take of the disk that the runtime has them on. */
export interface ImageFsUse {
  readonly mountpoint: string;
  readonly usedBytes: number;
  readonly inodesUsed: number | undefined;
}

const namesMost = 100;
const nameCharsMost = 512;

/** Images that the container runtime has. Who may use which is kept here: it does not know. */
export class CriImages implements ImageSource {
  readonly #client: ImageClient;
  readonly #path: string;
  readonly #inTurn = new InTurn();
  #access = new Map<string, ImageAccess>();

  private constructor(client: ImageClient, path: string) {
    this.#client = client;
    this.#path = path;
  }

  /** Forgets what is known of images that are gone. */
  static async open(client: ImageClient, rootDir: string): Promise<CriImages> {
    const dir = join(rootDir, "cri");
    await makeFolder(dir, 0o700);
    const images = new CriImages(client, join(dir, "image-access.json"));
    const text = await readOptional(images.#path);
    const known = text === undefined ? [] : (JSON.parse(text) as [string, ImageAccess][]); // written by us, whole
    const there = new Set((await images.list()).map(({ id }) => id));
    images.#access = new Map(known.filter(([id]) => there.has(id)));
    return images;
  }

  async list(): Promise<readonly Image[]> {
    const { images } = await this.#client.ask("ListImages", {});
    return images.flatMap((one) => this.#imageOf(one) ?? []);
  }

  async find(name: string): Promise<Image | undefined> {
    const isId = /^sha256:[0-9a-f]{64}$/.test(name);
    return this.#status(isId ? name : referenceText(parseReference(name)));
  }

  recordAccess(
    id: string,
    { repository, credentials }: { readonly repository: string; readonly credentials: PullCredentials },
  ): Promise<void> {
    return this.#record(id, repository, credentials);
  }

  async pull(
    reference: Reference,
    {
      credentials,
      signal,
    }: { readonly credentials?: PullCredentials | undefined; readonly signal: AbortSignal },
  ): Promise<Image> {
    const name = referenceText(reference);
    if (name === hostImageName)
      throw new ImageError(
        `${name} is to be had only where the agent runs containers itself, not by a container runtime`,
      );
    const auth = credentials && { username: credentials.username, password: credentials.password };
    try {
      const options = { timeoutMs: criLimits.pullMs, signal };
      const { imageRef } = await this.#client.ask(
        "PullImage",
        { image: { image: name }, ...(auth && { auth }) },
        options,
      );
      const image = (await this.#status(imageRef)) ?? (await this.#status(name));
      if (image === undefined) throw new Error("the container runtime pulled it and does not have it");
      await this.#record(image.id, repositoryText(reference), credentials);
      return { ...image, ...accessOf(this.#access.get(image.id)) };
    } catch (error) {
      signal.throwIfAborted();
      throw new ImageError(describeError(error), { cause: error });
    }
  }

  async remove(id: string): Promise<void> {
    await this.#client.ask("RemoveImage", { image: { image: id } });
    await this.#change(() => this.#access.delete(id));
  }

  async tidy(): Promise<void> {
    // The container runtime does.
  }

  async folder(): Promise<string> {
    const [first] = await this.fsInfo();
    if (first === undefined) throw new Error("the container runtime names no disk that images are on");
    return first.mountpoint;
  }

  async fsInfo(): Promise<readonly ImageFsUse[]> {
    const { imageFilesystems } = await this.#client.ask("ImageFsInfo", {}, { timeoutMs: criLimits.lookMs });
    return imageFilesystems.map(({ fsId, usedBytes, inodesUsed }) => ({
      mountpoint: fsId?.mountpoint ?? "",
      usedBytes: usedBytes?.value ?? 0,
      inodesUsed: inodesUsed?.value,
    }));
  }

  async #status(name: string): Promise<Image | undefined> {
    const { image } = await this.#client.ask("ImageStatus", { image: { image: name } });
    return image && this.#imageOf(image);
  }

  #imageOf({ id, repoTags, repoDigests, size, uid, username, pinned }: ImageMessage): Image | undefined {
    if (id === "" || id.length > nameCharsMost) return undefined;
    const named = (names: readonly string[]) =>
      names.filter((name) => name.length <= nameCharsMost).slice(0, namesMost);
    return {
      id,
      names: named(repoTags),
      digests: named(repoDigests),
      sizeBytes: Math.max(0, size),
      config: { User: uid === undefined ? username.slice(0, nameCharsMost) : String(uid.value) },
      isMergedByRuntime: true,
      ...(pinned && { isPinned: true }),
      ...accessOf(this.#access.get(id)),
    };
  }

  #record(id: string, repository: string, credentials: PullCredentials | undefined): Promise<void> {
    return this.#change(() => this.#access.set(id, withPull(this.#access.get(id), repository, credentials)));
  }

  /** Written before it counts for anybody. */
  #change(how: () => void): Promise<void> {
    return this.#inTurn.run("access", undefined, async () => {
      how();
      await writeRecord(this.#path, [...this.#access]);
    });
  }
}

const accessOf = (access: ImageAccess | undefined) => (access === undefined ? {} : { access });
