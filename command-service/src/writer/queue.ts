import { LedgerError } from "ledger-core";
import type { Job } from "./jobs.ts";

type QueueBounds = {
  readonly max: number;
  readonly bytesMax: number;
  /** Share of both that bulks may fill, so that some callers' bulks are not the refusal of others' single commands. */
  readonly bulkShare: number;
};

/**
 * The commands that were accepted and have no answer yet, bounded by their number and by the memory that they take. The
 * list holds those that are not decided, in order: a job stays at its head until it is.
 */
export class JobQueue {
  readonly #bounds: QueueBounds;
  #weight = 0;
  #bytes = 0;
  #bulksWeight = 0;
  #bulksBytes = 0;
  #jobs: Job[] = [];
  /** The first of them: shifting an array of thousands would move them all. */
  #head = 0;

  constructor(bounds: QueueBounds) {
    this.#bounds = bounds;
  }

  /** Whether at least so much is to be decided. */
  holds(least: number): boolean {
    let weight = 0;
    for (let at = this.#head; at < this.#jobs.length && weight < least; at++) weight += this.#jobs[at]?.weight ?? 0;
    return weight >= least;
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

  /** Gives a job's place back: it has its answer. */
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

  /** The jobs that are to be decided, in order. */
  *upcoming(): Generator<Job> {
    for (let at = this.#head; at < this.#jobs.length; at++) {
      const job = this.#jobs[at];
      if (job) yield job;
    }
  }

  get first(): Job | undefined {
    return this.#jobs[this.#head];
  }

  /** The first job is decided. */
  shift(): void {
    this.#head++;
    if (this.#head < this.#jobs.length && (this.#head < SHIFTED_MAX || 2 * this.#head < this.#jobs.length)) return;
    this.#jobs = this.#jobs.slice(this.#head);
    this.#head = 0;
  }

  /** Everything that was accepted and not decided, taken out. */
  drain(): Job[] {
    const jobs = this.#jobs.slice(this.#head);
    this.#jobs = [];
    this.#head = 0;
    return jobs;
  }
}

/** Decided jobs that the list may still hold: under a load that never ends it is never empty. */
const SHIFTED_MAX = 256;

function overloaded(waiting: string): LedgerError {
  return new LedgerError("overloaded", `${waiting} wait already; try again`, { retryable: true });
}
