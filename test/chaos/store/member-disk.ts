import { spawnSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

const megabyte = 1024 * 1024;
const sizeMegabytes = 256;

/** A small file system of its own for one member: ext4 in a file. What the member did not sync is in the system's memory only, not
 *  in that file, so a copy of the file is what a power cut leaves. It takes root, loop devices and mkfs.ext4. */
export class MemberDisk {
  readonly folder: string;
  readonly #image: string;

  private constructor(folder: string, image: string) {
    this.folder = folder;
    this.#image = image;
  }

  /** Undefined where the machine has not what it takes. */
  static mount(folder: string): MemberDisk | undefined {
    if (process.getuid?.() !== 0) return undefined;
    const image = `${folder}.ext4`;
    mkdirSync(folder, { recursive: true });
    writeFileSync(image, "");
    truncateSync(image, sizeMegabytes * megabyte);
    const disk = new MemberDisk(folder, image);
    if (succeeds("mkfs.ext4", "-q", "-F", image) && disk.#mount()) return disk;
    rmSync(image);
    return undefined;
  }

  /** Power failed; whoever wrote to it is dead. */
  cutPower(): void {
    const left = `${this.#image}.left`;
    must("cp", "--sparse=always", this.#image, left);
    this.unmount();
    renameSync(left, this.#image);
    if (!this.#mount()) throw new Error(`${this.#image}: cannot be mounted after a power cut`);
  }

  /** Takes all the room there is; answers how to give it back. */
  fill(): () => void {
    const ballast = join(this.folder, "ballast");
    const file = openSync(ballast, "w");
    const chunk = Buffer.alloc(megabyte);
    try {
      for (;;) writeSync(file, chunk);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    } finally {
      closeSync(file);
    }
    return () => rmSync(ballast);
  }

  unmount(): void {
    must("umount", this.folder);
  }

  /** What is not synced stays in memory for a minute. */
  #mount(): boolean {
    const isMounted = succeeds("mount", "-o", "loop,commit=60", this.#image, this.folder);
    if (isMounted) chmodSync(this.folder, 0o700);
    return isMounted;
  }
}

const succeeds = (command: string, ...args: readonly string[]): boolean =>
  spawnSync(command, args, { stdio: "ignore" }).status === 0;

function must(command: string, ...args: readonly string[]): void {
  if (!succeeds(command, ...args)) throw new Error(`${command} ${args.join(" ")} failed`);
}
