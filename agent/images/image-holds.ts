import type { Image } from "./image.ts";

/** Keeps images that pods want from being removed between being found and being used, and as long as their pods are here. */
export class ImageHolds {
  readonly #idsOfPods = new Map<string, Set<string>>();
  #removals = 0;
  #removal: Promise<unknown> = Promise.resolve();

  /** What is found is not removed until the pod is released. One that is being removed is not found. */
  async hold(podUid: string, find: () => Promise<Image | undefined>): Promise<Image | undefined> {
    for (;;) {
      await this.#removal;
      const before = this.#removals;
      const found = await find();
      if (this.#removals !== before) continue; // it may have been seen just before it was removed
      if (found === undefined) return undefined;
      const ids = this.#idsOfPods.get(podUid) ?? new Set();
      this.#idsOfPods.set(podUid, ids.add(found.id));
      return found;
    }
  }

  release(podUid: string): void {
    this.#idsOfPods.delete(podUid);
  }

  isHeld(id: string): boolean {
    for (const ids of this.#idsOfPods.values()) if (ids.has(id)) return true;
    return false;
  }

  /** Does the work of removing an image, unless a pod holds it. Call for one image after the other. */
  async remove(id: string, work: () => Promise<void>): Promise<"removed" | "held"> {
    if (this.isHeld(id)) return "held";
    this.#removals++;
    const removal = work();
    this.#removal = removal.catch(() => undefined); // whoever removes hears it
    await removal;
    return "removed";
  }
}
