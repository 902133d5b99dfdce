import { UsageError } from "../../base/os/flags.ts";
import type { Controller } from "./controller.ts";
import type { ControllerManagerConfig } from "./flags.ts";

/** The controllers that run, as `--controllers` says: `*`, `name`, `-name`. Names may leave `-controller` off.
 *  Throws UsageError for a name that is none. */
export function selectControllers(
  table: readonly Controller[],
  config: ControllerManagerConfig,
): readonly Controller[] {
  const short = (name: string) => name.replace(/^-/, "").replace(/-controller$/, "");
  for (const word of config.controllers)
    if (word !== "*" && !table.some(({ name }) => short(name) === short(word)))
      throw new UsageError(
        `--controllers: there is no "${word}"; known: ${table.map(({ name }) => name).join(", ")}`,
      );
  const says = (controller: Controller, sign: "" | "-") =>
    config.controllers.some(
      (word) =>
        word.startsWith("-") === (sign === "-") && word !== "*" && short(word) === short(controller.name),
    );
  return table.filter(
    (controller) =>
      !says(controller, "-") &&
      (says(controller, "") || config.controllers.includes("*")) &&
      (controller.enabled?.(config) ?? true),
  );
}
