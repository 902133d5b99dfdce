import type { CallFailure } from "../../base/grpc/answer-status.ts";
import { GrpcCall } from "../../base/grpc/grpc-call.ts";
import { sleep } from "../../base/os/clock.ts";
import type { Os } from "../../base/os/os.ts";
import { WireError } from "../../base/wire.ts";
import { SocketCalls } from "../socket-calls.ts";
import { DevicePluginError, type Devices, readDevices } from "./device-list.ts";
import { deviceList, type PluginOptions, pluginCalls, type ToldAllocation } from "./messages.ts";

export const pluginLimits = {
  /** Within this a plugin that registers has to be spoken to, as with kubelets. */
  connectMs: 10_000,
  connectAgainMs: 200,
  preferMs: 30_000,
  /** Plugins may prepare a device then. */
  allocateMs: 120_000,
  preStartMs: 30_000,
  /** As of gRPC's library for Go. */
  answerBytesMost: 4 * 1024 * 1024,
  messageCharsMost: 1_024,
  /** Of lists that come faster the last of each such time is read. */
  listEveryMs: 100,
} as const;

/** What a plugin refused, or what became of the call to it, as Go's programs write it. */
export class PluginCallError extends DevicePluginError {
  readonly failure: CallFailure;

  constructor(failure: CallFailure) {
    const { status, message } = failure;
    super(
      `rpc error: code = ${goCode(status)} desc = ${message.slice(0, pluginLimits.messageCharsMost).trim()}`,
    );
    this.failure = failure;
  }
}

/** A status as gRPC's library for Go calls it. */
const goCode = (status: CallFailure["status"]): string =>
  status === "CANCELLED" || status === "OK"
    ? { CANCELLED: "Canceled", OK: "OK" }[status]
    : status.toLowerCase().replace(/(?:^|_)(.)/g, (_, letter: string) => letter.toUpperCase());

/** A device plugin's socket. */
export class PluginCalls {
  readonly #calls: SocketCalls<typeof pluginCalls, PluginCallError>;
  readonly #os: Pick<Os, "clock" | "random">;

  constructor(socket: string, os: Pick<Os, "clock" | "random">) {
    this.#os = os;
    const service = {
      socket,
      service: "v1beta1.DevicePlugin",
      who: "the device plugin",
      callMs: pluginLimits.connectMs,
      answerBytesMost: pluginLimits.answerBytesMost,
      errorOf: (failure: CallFailure) => new PluginCallError(failure),
    };
    this.#calls = new SocketCalls(pluginCalls, service, os);
  }

  /** Waits a while for a plugin that registers before it listens. */
  async options(signal: AbortSignal): Promise<PluginOptions> {
    const { clock } = this.#os;
    const giveUpMs = clock.monotonicMs() + pluginLimits.connectMs;
    for (;;)
      try {
        return await this.#calls.ask("GetDevicePluginOptions", {}, { signal });
      } catch (error) {
        const isUnsent = error instanceof PluginCallError && !error.failure.sent;
        if (!isUnsent || clock.monotonicMs() >= giveUpMs) throw error;
        await sleep(clock, pluginLimits.connectAgainMs, signal);
      }
  }

  /** Tells of the plugin's devices again and again. Rejects when that ends, for whatever reason. */
  watch(onDevices: (devices: Devices) => void, signal: AbortSignal): Promise<never> {
    const { clock } = this.#os;
    return new Promise((_, reject) => {
      let latest: Uint8Array | undefined;
      let stopTimer: (() => void) | undefined;
      const end = (error: unknown) => {
        stopTimer?.();
        latest = undefined;
        signal.removeEventListener("abort", onAbort);
        call.cancel();
        reject(error);
      };
      const onAbort = () => end(signal.reason);
      const tell = (bytes: Uint8Array) => {
        stopTimer = clock.after(pluginLimits.listEveryMs, () => {
          const next = latest;
          latest = undefined;
          stopTimer = undefined;
          if (next !== undefined) tell(next);
        });
        try {
          onDevices(readDevices(deviceList.decode(bytes)));
        } catch (error) {
          if (!(error instanceof WireError)) return end(error);
          end(new DevicePluginError(`its list of devices cannot be read: ${error.message}`));
        }
      };
      const call = new GrpcCall(this.#calls.way, this.#calls.head("ListAndWatch"), {
        message: (bytes) => {
          if (stopTimer === undefined) tell(bytes);
          else latest = Buffer.from(bytes);
        },
        done: (error) => end(error ?? new DevicePluginError("it ended its list of devices")),
      });
      if (signal.aborted) return onAbort();
      signal.addEventListener("abort", onAbort, { once: true });
      call.send(new Uint8Array(0));
      call.finish();
      call.start();
    });
  }

  /** Which of the devices it would give, if it says. */
  async preferred(
    choice: {
      readonly available: readonly string[];
      readonly included: readonly string[];
      readonly count: number;
    },
    signal?: AbortSignal,
  ): Promise<readonly string[]> {
    const asked = {
      availableDeviceIDs: choice.available,
      mustIncludeDeviceIDs: choice.included,
      allocationSize: choice.count,
    };
    const options = { timeoutMs: pluginLimits.preferMs, signal };
    const told = await this.#calls.ask("GetPreferredAllocation", { containerRequests: [asked] }, options);
    return told.containerResponses[0]?.deviceIDs ?? [];
  }

  async allocate(ids: readonly string[], signal?: AbortSignal): Promise<ToldAllocation> {
    const options = { timeoutMs: pluginLimits.allocateMs, signal };
    const asked = { containerRequests: [{ devicesIds: ids }] };
    const [told] = (await this.#calls.ask("Allocate", asked, options)).containerResponses;
    if (told === undefined) throw new DevicePluginError("no containers return in allocation response");
    return told;
  }

  async preStart(ids: readonly string[], signal?: AbortSignal): Promise<void> {
    const options = { timeoutMs: pluginLimits.preStartMs, signal };
    await this.#calls.ask("PreStartContainer", { devicesIds: ids }, options);
  }

  close(): void {
    this.#calls.close();
  }
}
