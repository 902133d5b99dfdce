/** Kubernetes' Pod Security levels, and what the labels of a namespace say of them. Pure. */

export type Level = "privileged" | "baseline" | "restricted";

export interface LevelVersion {
  readonly level: Level;
  /** The minor version of Kubernetes whose rules are meant, or the newest. */
  readonly minor: number | "latest";
}

export interface Policy {
  readonly enforce: LevelVersion;
  readonly audit: LevelVersion;
  readonly warn: LevelVersion;
}
export type Mode = keyof Policy;

export const labelPrefix = "pod-security.kubernetes.io/";

const levels: readonly Level[] = ["privileged", "baseline", "restricted"];

export interface LabelProblem {
  /** The label's name, or the field's. */
  readonly name: string;
  readonly value: string;
  readonly rule: string;
}

export const isLevel = (text: string): text is Level => (levels as readonly string[]).includes(text);

export const levelRule = `must be one of ${levels.join(", ")}`;
export const versionRule = 'must be "latest" or "v1.x"';

/** Undefined: no version. */
export function readVersion(text: string): LevelVersion["minor"] | undefined {
  if (text === "latest") return "latest";
  const match = /^v1\.([0-9]|[1-9][0-9]*)$/.exec(text);
  return match === null ? undefined : Number(match[1]);
}

/** Above zero where `a` is the stricter one. */
export const compareLevels = (a: Level, b: Level): number => levels.indexOf(a) - levels.indexOf(b);

/** `baseline:v1.30` */
export const levelText = ({ level, minor }: LevelVersion): string =>
  `${level}:${minor === "latest" ? minor : `v1.${minor}`}`;

export const isFullyPrivileged = (policy: Policy): boolean =>
  Object.values(policy).every(({ level }: LevelVersion) => level === "privileged");

export const sameLevel = (a: LevelVersion, b: LevelVersion): boolean =>
  a.level === b.level && a.minor === b.minor;

/** What counts in a namespace with these labels. Labels that cannot be read count as the strictest where they enforce, and as
 *  nothing else. */
export function policyOf(
  labels: Readonly<Record<string, string>>,
  defaults: Policy,
): { readonly policy: Policy; readonly problems: readonly LabelProblem[] } {
  const problems: LabelProblem[] = [];
  const read = (mode: Mode): LevelVersion => {
    const level = labels[labelPrefix + mode];
    const version = labels[`${labelPrefix}${mode}-version`];
    const minor = version === undefined ? defaults[mode].minor : readVersion(version);
    if (level !== undefined && !isLevel(level))
      problems.push({ name: labelPrefix + mode, value: level, rule: levelRule });
    if (version !== undefined && minor === undefined)
      problems.push({ name: `${labelPrefix}${mode}-version`, value: version, rule: versionRule });
    const unreadable = mode === "enforce" ? "restricted" : "privileged";
    return {
      level: level === undefined ? defaults[mode].level : isLevel(level) ? level : unreadable,
      minor: minor ?? "latest",
    };
  };
  const enforce = read("enforce");
  const audit = read("audit");
  const warn = read("warn");
  const said = labels[`${labelPrefix}enforce`];
  const follows =
    labels[`${labelPrefix}warn`] === undefined &&
    said !== undefined &&
    isLevel(said) &&
    compareLevels(enforce.level, warn.level) > 0;
  if (!follows) return { policy: { enforce, audit, warn }, problems };
  // What will be refused is also warned of, where workloads come that make such pods.
  const minor = labels[`${labelPrefix}warn-version`] === undefined ? enforce.minor : warn.minor;
  return { policy: { enforce, audit, warn: { level: enforce.level, minor } }, problems };
}
