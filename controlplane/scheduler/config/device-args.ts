import { readGoDuration } from "../../../client/rules/go-duration.ts";
import type { DynamicResourcesArgs } from "../plugins/dynamic-resources.ts";
import { invalid } from "./problems.ts";

/** The arguments as they are written. */
export interface DynamicResourcesFile {
  readonly filterTimeout?: string;
  readonly bindingTimeout?: string;
}

export function completeDeviceArgs({ filterTimeout }: DynamicResourcesFile): DynamicResourcesArgs {
  const read = filterTimeout === undefined ? undefined : readGoDuration(filterTimeout);
  return read?.ok ? { filterTimeoutMs: read.nanoseconds / 1e6 } : {};
}

export function deviceProblems(
  { filterTimeout, bindingTimeout }: DynamicResourcesFile,
  path: string,
): readonly string[] {
  return [
    ...(filterTimeout === undefined ? [] : timeoutProblems(filterTimeout, `${path}.filterTimeout`)),
    ...(bindingTimeout === undefined
      ? []
      : [
          invalid(
            `${path}.bindingTimeout`,
            bindingTimeout,
            "devices with binding conditions are allocated to nobody here: leave it out",
          ),
        ]),
  ];
}

function timeoutProblems(text: string, path: string): readonly string[] {
  const read = readGoDuration(text);
  if (!read.ok) return [invalid(path, text, read.problem)];
  if (read.nanoseconds < 0) return [invalid(path, text, "must be zero or positive")];
  return read.nanoseconds > 0
    ? []
    : [invalid(path, text, "a search without an end would hold all of this scheduler: leave it out")];
}
