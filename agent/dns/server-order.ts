/** Another DNS server. */
export interface ServerPlace {
  readonly address: string;
  readonly port: number;
}

/** Who may be asked for a name: one after the other, or each the first in its turn. */
export interface AskedServers {
  readonly places: readonly ServerPlace[];
  readonly inTurn: boolean;
}

/** For so long a server that did not answer is asked after those that did, rather than waited for by every question. */
const silentMs = 10_000;
const silentMost = 256;

/** Remembers who answers, and says in which order servers are asked. */
export class ServerOrder {
  readonly #silentUntilMs = new Map<string, number>();
  #turn = 0;

  of({ places, inTurn }: AskedServers, nowMs: number): readonly ServerPlace[] {
    const first = inTurn && places.length > 1 ? this.#turn++ % places.length : 0;
    const turned = [...places.slice(first), ...places.slice(0, first)];
    const isSilent = (place: ServerPlace) => (this.#silentUntilMs.get(keyOf(place)) ?? 0) > nowMs;
    return [...turned.filter((place) => !isSilent(place)), ...turned.filter(isSilent)];
  }

  answered(place: ServerPlace): void {
    this.#silentUntilMs.delete(keyOf(place));
  }

  silent(place: ServerPlace, nowMs: number): void {
    const [oldest] = this.#silentUntilMs.keys();
    if (this.#silentUntilMs.size >= silentMost && oldest !== undefined) this.#silentUntilMs.delete(oldest);
    this.#silentUntilMs.set(keyOf(place), nowMs + silentMs);
  }
}

const keyOf = ({ address, port }: ServerPlace) => `${address} ${port}`;
