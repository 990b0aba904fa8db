import { LedgerError } from "ledger-core";
import type { Job } from "./jobs.ts";

type QueueBounds = {
  readonly max: number;
  readonly bytesMax: number;
  /** The share of both that bulks may fill, so that they cannot crowd out single commands. */
  readonly bulkShare: number;
};

/**
 * Bounds the accepted commands that have no answer yet, by number and by memory, and lists the undecided ones in order.
 * A job stays at the head until it is decided.
 */
export class JobQueue {
  readonly #bounds: QueueBounds;
  #weight = 0;
  #bytes = 0;
  #bulksWeight = 0;
  #bulksBytes = 0;
  #jobs: Job[] = [];
  /** Index of the first job: shifting an array of thousands would move them all. */
  #head = 0;

  constructor(bounds: QueueBounds) {
    this.#bounds = bounds;
  }

  /** Whether at least this much weight waits to be decided. */
  holds(least: number): boolean {
    let weight = 0;
    for (let at = this.#head; at < this.#jobs.length && weight < least; at++) weight += this.#jobs[at]?.weight ?? 0;
    return weight >= least;
  }

  /** Commands that have no answer yet. */
  get weight(): number {
    return this.#weight;
  }

  /** About the memory that they take. */
  get bytes(): number {
    return this.#bytes;
  }

  get empty(): boolean {
    return this.#head === this.#jobs.length;
  }

  /** @throws overloaded before anything was accepted */
  add(job: Job): void {
    const { max, bytesMax, bulkShare } = this.#bounds;
    const { weight, bytes } = job;
    const full = this.#weight + weight > max || this.#bytes + bytes > bytesMax;
    if (full && weight > 0 && this.#weight > 0) throw overloaded(`${this.#weight} commands`);
    if (job.kind === "bulk" && this.#bulksWeight > 0) {
      const isFull =
        this.#bulksWeight + weight > Math.floor(max * bulkShare) ||
        this.#bulksBytes + bytes > Math.floor(bytesMax * bulkShare);
      if (isFull) throw overloaded(`${this.#bulksWeight} commands of bulks`);
    }
    this.#count(job, 1);
    this.#jobs.push(job);
  }

  /** Frees the room of an answered job. */
  release(job: Job): void {
    this.#count(job, -1);
  }

  #count({ kind, weight, bytes }: Job, sign: 1 | -1): void {
    this.#weight += sign * weight;
    this.#bytes += sign * bytes;
    if (kind !== "bulk") return;
    this.#bulksWeight += sign * weight;
    this.#bulksBytes += sign * bytes;
  }

  /** The undecided jobs, in order. */
  *upcoming(): Generator<Job> {
    for (let at = this.#head; at < this.#jobs.length; at++) {
      const job = this.#jobs[at];
      if (job) yield job;
    }
  }

  get first(): Job | undefined {
    return this.#jobs[this.#head];
  }

  /** Removes the first job, which is decided. */
  shift(): void {
    this.#head++;
    if (this.#head < this.#jobs.length && (this.#head < SHIFTED_MAX || 2 * this.#head < this.#jobs.length)) return;
    this.#jobs = this.#jobs.slice(this.#head);
    this.#head = 0;
  }

  /** Removes all undecided jobs. */
  drain(): Job[] {
    const jobs = this.#jobs.slice(this.#head);
    this.#jobs = [];
    this.#head = 0;
    return jobs;
  }
}

/** Removed jobs that the array may still hold: under constant load it never becomes empty. */
const SHIFTED_MAX = 256;

function overloaded(waiting: string): LedgerError {
  return new LedgerError("overloaded", `${waiting} wait already; try again`, { retryable: true });
}
