import type { Informer, InformerFactory } from "../client/informer.ts";
import { keyOf } from "../client/object-cache.ts";
import { resources } from "../client/resources.ts";
import type { PersistentVolume, PersistentVolumeClaim } from "../client/types.ts";

/** Watches claims and volumes, and notes each moment at which data would be lost or shared: a claim that gets another volume, a
 *  volume of two claims, by either's word, and one that goes, or is released, while its claim stands. */
export class ClaimWitness {
  readonly problems: string[] = [];
  readonly #claims: Informer<PersistentVolumeClaim>;
  /** Volumes' names by claims' uids. */
  readonly #volumeOf = new Map<string, string>();
  /** Claims' uids by volumes' uids. */
  readonly #claimOf = new Map<string, string>();

  constructor(informers: InformerFactory) {
    this.#claims = informers.informer(resources.persistentvolumeclaims);
    const onClaim = (claim: PersistentVolumeClaim) => this.#onClaim(claim);
    this.#claims.subscribe({ onAdd: onClaim, onUpdate: onClaim });
    const onVolume = (volume: PersistentVolume) => this.#onVolume(volume);
    informers.informer(resources.persistentvolumes).subscribe({
      onAdd: onVolume,
      onUpdate: onVolume,
      onDelete: (volume) => this.#onEnd(volume, "is gone"),
    });
  }

  #onClaim(claim: PersistentVolumeClaim): void {
    const { uid } = claim.metadata;
    const { volumeName = "" } = claim.spec;
    const before = this.#volumeOf.get(uid);
    if (before !== undefined && before !== volumeName)
      this.problems.push(`claim ${keyOf(claim)} had the volume ${before}, now ${volumeName}`);
    if (volumeName === "") return;
    this.#volumeOf.set(uid, volumeName);
    const sharing = this.#claims.list().filter(({ spec }) => spec.volumeName === volumeName);
    for (const other of sharing.filter(({ metadata }) => metadata.uid !== uid))
      this.problems.push(`volume ${volumeName} is that of ${keyOf(claim)} and of ${keyOf(other)}`);
  }

  #onVolume(volume: PersistentVolume): void {
    const { name, uid } = volume.metadata;
    const claim = volume.spec.claimRef?.uid;
    const before = this.#claimOf.get(uid);
    if (before !== undefined && claim !== before)
      this.problems.push(`volume ${name} was the claim's ${before}, now ${claim}`);
    if (claim !== undefined) this.#claimOf.set(uid, claim);
    if (volume.status?.phase === "Released") this.#onEnd(volume, "is released");
  }

  /** A volume's end may be heard of before its claim's: what counts is that the claim is meant to go. */
  #onEnd({ metadata, spec }: PersistentVolume, what: string): void {
    const claim = this.#claims.list().find((one) => one.metadata.uid === spec.claimRef?.uid);
    if (claim !== undefined && claim.metadata.deletionTimestamp === undefined)
      this.problems.push(`volume ${metadata.name} ${what}, its claim ${keyOf(claim)} stands`);
  }
}
