import { describeError } from "../../../base/os/log.ts";
import {
  compileDeviceSelector,
  type DeviceSelector,
  type SelectableDevice,
} from "../../cel/device-selectors.ts";
import { DeviceFault, type Selectors } from "./allocate.ts";
import type { PoolDevice } from "./pools.ts";

/** Expressions are compiled once: a cluster has few, and asks them of every device. */
const selectorsMax = 512;

export class SelectorCache {
  readonly #compiled = new Map<string, DeviceSelector | { readonly problem: string }>();

  /** Throws DeviceFault where an expression is none, or cannot be asked of the device. */
  selects(selectors: Selectors, { driver, device }: PoolDevice, of: string): boolean {
    return (selectors ?? []).every(({ cel }, index) => {
      if (cel === undefined)
        throw new DeviceFault(`${of}, selector #${index}: CEL expression empty (unsupported selector type?)`);
      const selector = this.#compile(cel.expression);
      if ("problem" in selector)
        throw new DeviceFault(`${of}: selector #${index}: CEL compile error: ${selector.problem}`);
      const { capacity, allowMultipleAllocations } = device;
      const attributes = device.attributes as SelectableDevice["attributes"];
      try {
        return selector.matches({ driver, attributes, capacity, allowMultipleAllocations });
      } catch (error) {
        throw new DeviceFault(`${of}: selector #${index}: CEL runtime error: ${describeError(error)}`);
      }
    });
  }

  #compile(expression: string): DeviceSelector | { readonly problem: string } {
    const known = this.#compiled.get(expression);
    if (known !== undefined) return known;
    const compiled = compileDeviceSelector(expression);
    if (this.#compiled.size >= selectorsMax) this.#compiled.clear();
    this.#compiled.set(expression, compiled);
    return compiled;
  }
}
