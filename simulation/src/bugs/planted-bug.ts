import type { Plant } from "../plant.ts";

/** A mistake that an engineer could make, planted into a simulated world from outside. */
export type PlantedBug = {
  readonly name: string;
  readonly what: string;
  /** A new plant per world, since a bug may hold state. */
  plant(): Partial<Plant>;
};
