/** What a heap asks of whoever keeps its slots. */
export interface HeapedSlots {
  isBefore(one: number, other: number): boolean;
  /** 0: it is not in the heap. */
  placeOf(slot: number): number;
  setPlace(slot: number, place: number): void;
}

const capacityMin = 1_024;

/** A binary heap of slots, the first of them at the top. Slots know their places, so that one that comes earlier or later is
 *  moved, and one that is gone leaves: nothing outdated stays behind. */
export class SlotHeap {
  readonly #of: HeapedSlots;
  /** From place 1 on. */
  #slots = new Int32Array(capacityMin);
  #size = 0;

  constructor(of: HeapedSlots) {
    this.#of = of;
  }

  get size(): number {
    return this.#size;
  }

  /** 0: there is none. */
  peek(): number {
    return this.#size === 0 ? 0 : (this.#slots[1] as number);
  }

  /** Puts a slot where it belongs, whether it was there before or not. */
  put(slot: number): void {
    const before = this.#of.placeOf(slot);
    if (before !== 0) {
      if (!this.#rise(slot, before)) this.#sink(slot, before);
      return;
    }
    this.#size++;
    if (this.#size === this.#slots.length) this.#grow();
    if (!this.#rise(slot, this.#size)) this.#set(this.#size, slot);
  }

  remove(slot: number): void {
    const place = this.#of.placeOf(slot);
    if (place === 0) return;
    this.#of.setPlace(slot, 0);
    const last = this.#slots[this.#size--] as number;
    if (last !== slot && !this.#rise(last, place)) this.#sink(last, place);
  }

  clear(): void {
    for (let place = 1; place <= this.#size; place++) this.#of.setPlace(this.#slots[place] as number, 0);
    this.#size = 0;
    this.#slots = new Int32Array(capacityMin);
  }

  /** Puts a slot in a place, or nearer to the top; whether it is nearer. */
  #rise(slot: number, from: number): boolean {
    let place = from;
    while (place > 1) {
      const above = this.#slots[place >>> 1] as number;
      if (!this.#of.isBefore(slot, above)) break;
      this.#set(place, above);
      place >>>= 1;
    }
    if (place === from) return false;
    this.#set(place, slot);
    return true;
  }

  #sink(slot: number, from: number): void {
    let place = from;
    for (;;) {
      let below = place * 2;
      if (below > this.#size) break;
      if (
        below < this.#size &&
        this.#of.isBefore(this.#slots[below + 1] as number, this.#slots[below] as number)
      )
        below++;
      const next = this.#slots[below] as number;
      if (!this.#of.isBefore(next, slot)) break;
      this.#set(place, next);
      place = below;
    }
    this.#set(place, slot);
  }

  #set(place: number, slot: number): void {
    this.#slots[place] = slot;
    this.#of.setPlace(slot, place);
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 2);
    slots.set(this.#slots);
    this.#slots = slots;
  }
}
