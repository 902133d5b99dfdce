import { UsageError } from "../../base/os/flags.ts";
import type { Controller } from "./controller.ts";
import type { ControllerManagerConfig } from "./flags.ts";
import { isElsewhere, isNameOf } from "./kubernetes-names.ts";

/** The controllers that run, as `--controllers` says: `*`, `name`, `-name`; of several words about one the first counts. Names may
 *  leave `-controller` off, and be those of before; a cloud's controllers run elsewhere, and some nowhere. Throws UsageError for
 *  a name that is none. */
export function selectControllers(
  table: readonly Controller[],
  config: ControllerManagerConfig,
): readonly Controller[] {
  const words = config.controllers.map((word) => ({ word, name: word.replace(/^-/, "") }));
  for (const { word, name } of words)
    if (word !== "*" && !isElsewhere(name) && !table.some((controller) => isNameOf(name, controller.name)))
      throw new UsageError(
        `--controllers: there is no "${word}"; known: ${table.map((one) => one.name).join(", ")}`,
      );
  const isAsked = (controller: Controller) => {
    const said = words.find(({ word, name }) => word !== "*" && isNameOf(name, controller.name));
    if (said !== undefined) return !said.word.startsWith("-");
    return config.controllers.includes("*") && controller.disabledByDefault !== true;
  };
  return table.filter((controller) => isAsked(controller) && (controller.enabled?.(config) ?? true));
}
