import type { Container, PodSpec } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { forbidden, notSupported } from "./field-errors.ts";

const usual =
  "ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX";
const linuxSignals = [
  ...usual.split(" "),
  ...Array.from({ length: 15 }, (_, index) => `RTMIN+${index + 1}`),
  ...Array.from({ length: 14 }, (_, index) => `RTMAX-${index + 1}`),
]
  .map((name) => `SIG${name}`)
  .sort();
const windowsSignals = ["SIGKILL", "SIGTERM"];

/** `stopSignal` of a container whose lifecycle is at `field`. `isRunToEnd`: it is one that only has to end. */
export function validateStopSignal(
  { lifecycle }: Container,
  field: string,
  { spec, isRunToEnd }: { readonly spec: PodSpec; readonly isRunToEnd: boolean },
): readonly FieldError[] {
  const { stopSignal, postStart, preStop } = lifecycle ?? {};
  if (stopSignal === undefined) return [];
  if (isRunToEnd) {
    // Said once of a lifecycle, whatever is in it.
    if (postStart !== undefined || preStop !== undefined) return [];
    return [forbidden(field, "may not be set for init containers without restartPolicy=Always")];
  }
  const at = `${field}.stopSignal`;
  const os = spec.os?.name;
  if (os === undefined) return [forbidden(at, "may not be set for containers with empty `spec.os.name`")];
  const known = os === "windows" ? windowsSignals : os === "linux" ? linuxSignals : [stopSignal];
  return known.includes(stopSignal) ? [] : [notSupported(at, stopSignal, known)];
}
