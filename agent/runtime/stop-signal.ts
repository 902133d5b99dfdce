import { constants } from "node:os";

/** Signals by the names that the API and images use, in the order in which the CRI numbers them, from 1 on. */
export const signalNames: readonly string[] = [
  ..."ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP".split(
    " ",
  ),
  ..."TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN".split(" "),
  ...Array.from({ length: 15 }, (_, index) => `RTMIN+${index + 1}`),
  ...Array.from({ length: 14 }, (_, index) => `RTMAX-${14 - index}`),
  "RTMAX",
].map((name) => `SIG${name}`);

/** The CRI's names know no signs. */
export const criSignalName = (name: string): string => name.replace("+", "PLUS").replace("-", "MINUS");

const realTime = { RTMIN: 34, RTMAX: 64 } as const;

/** The kernel's number of a signal such as `SIGUSR1`, `usr1`, `SIGRTMIN+3` or `10`; undefined where it is none: an image may
 *  name anything. Pure. */
export function signalNumber(text: string): number | undefined {
  if (/^[0-9]{1,2}$/.test(text)) return isSignal(Number(text)) ? Number(text) : undefined;
  const name = `SIG${text.toUpperCase().replace(/^SIG/, "")}`;
  if (!signalNames.includes(name)) return undefined;
  const [, base, sign, offset = "0"] = /^SIG(RTMIN|RTMAX)([+-])?(\d+)?$/.exec(name) ?? [];
  if (base === "RTMIN" || base === "RTMAX") return realTime[base] + Number(`${sign ?? "+"}${offset}`);
  return name === "SIGCLD" ? constants.signals.SIGCHLD : constants.signals[name as NodeJS.Signals];
}

const isSignal = (number: number): boolean => number >= 1 && number <= realTime.RTMAX;

/** What a container is asked to end with: where its word is no signal, the usual one. */
export const stopSignalNumber = (text: string): number => signalNumber(text) ?? constants.signals.SIGTERM;
