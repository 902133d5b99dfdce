import { readGoDuration } from "../../../client/rules/go-duration.ts";
import type { DynamicResourcesArgs } from "../plugins/dynamic-resources.ts";
import { invalid } from "./problems.ts";

/** The arguments as they are written. */
export interface DynamicResourcesFile {
  readonly filterTimeout?: string;
  readonly bindingTimeout?: string;
}

const bindingTimeoutUsual = "10m0s";

export function completeDeviceArgs({
  filterTimeout,
  bindingTimeout,
}: DynamicResourcesFile): DynamicResourcesArgs {
  const filter = filterTimeout === undefined ? undefined : readGoDuration(filterTimeout);
  const binding = readGoDuration(bindingTimeout ?? bindingTimeoutUsual);
  return {
    ...(filter?.ok && { filterTimeoutMs: filter.nanoseconds / 1e6 }),
    bindingTimeoutMs: binding.ok ? binding.nanoseconds / 1e6 : 0,
  };
}

export function deviceProblems(
  { filterTimeout, bindingTimeout }: DynamicResourcesFile,
  path: string,
): readonly string[] {
  return [
    ...(filterTimeout === undefined ? [] : filterProblems(filterTimeout, `${path}.filterTimeout`)),
    ...(bindingTimeout === undefined ? [] : bindingProblems(bindingTimeout, `${path}.bindingTimeout`)),
  ];
}

function bindingProblems(text: string, path: string): readonly string[] {
  const read = readGoDuration(text);
  if (!read.ok) return [invalid(path, text, read.problem)];
  return read.nanoseconds < 1e9 ? [invalid(path, text, "must be at least 1 second")] : [];
}

function filterProblems(text: string, path: string): readonly string[] {
  const read = readGoDuration(text);
  if (!read.ok) return [invalid(path, text, read.problem)];
  if (read.nanoseconds < 0) return [invalid(path, text, "must be zero or positive")];
  return read.nanoseconds > 0
    ? []
    : [invalid(path, text, "a search without an end would hold all of this scheduler: leave it out")];
}
