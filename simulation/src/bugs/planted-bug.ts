import type { Plant } from "../plant.ts";

/** A mistake that an engineer could make, put into a simulated world from outside. */
export type PlantedBug = {
  readonly name: string;
  readonly what: string;
  /** A fresh one for each world: it may remember things. */
  plant(): Partial<Plant>;
};
