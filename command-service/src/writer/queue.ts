import { isLedgerError, LedgerError, NO_REVISION } from "ledger-core";
import { failureOf } from "./failures.ts";
import type { Job } from "./jobs.ts";

export type QueueBounds = {
  readonly max: number;
  readonly bytesMax: number;
  /** Share of both that bulks may fill, so that some callers' bulks are not the refusal of others' single commands. */
  readonly bulkShare: number;
};

/** The commands that were accepted and have no answer yet, bounded by their number and by what they take in memory. */
export class JobQueue {
  private readonly max: number;
  private readonly bytesMax: number;
  private readonly bulkShare: number;
  private weight = 0;
  private bytes = 0;
  private bulksWeight = 0;
  private bulksBytes = 0;
  /** Ready to be decided, in order; `head` is the first of them (shifting an array of thousands would move them all). */
  private jobs: Job[] = [];
  private head = 0;
  /** Wait for the batch under way to be in the log. */
  private postponed: Job[] = [];
  /** Wait for something to be read from the log. */
  private readonly parked = new Set<Job>();

  constructor({ max, bytesMax, bulkShare }: QueueBounds) {
    this.max = max;
    this.bytesMax = bytesMax;
    this.bulkShare = bulkShare;
  }

  /** Whether at least so much is ready to be decided. */
  holds(least: number): boolean {
    let weight = 0;
    for (let at = this.head; at < this.jobs.length && weight < least; at++) weight += this.jobs[at]?.weight ?? 0;
    return weight >= least;
  }

  get ready(): boolean {
    return this.head < this.jobs.length;
  }

  get empty(): boolean {
    return !this.ready && this.postponed.length === 0 && this.parked.size === 0;
  }

  /** @throws overloaded before anything was accepted */
  add(job: Job): void {
    const { weight, bytes = 0 } = job;
    const full = this.weight + weight > this.max || this.bytes + bytes > this.bytesMax;
    if (full && weight > 0 && this.weight > 0) {
      throw new LedgerError("overloaded", `${this.weight} commands wait already; try again`, { retryable: true });
    }
    if (job.kind === "bulk" && this.bulksWeight > 0) {
      const weightMax = Math.floor(this.max * this.bulkShare);
      const bytesMax = Math.floor(this.bytesMax * this.bulkShare);
      if (this.bulksWeight + weight > weightMax || this.bulksBytes + bytes > bytesMax) {
        const detail = `${this.bulksWeight} commands of bulks wait already; try again`;
        throw new LedgerError("overloaded", detail, { retryable: true });
      }
    }
    this.count(job, 1);
    this.jobs.push(job);
  }

  /** Gives a job's place back: it has its answer. */
  release(job: Job): void {
    this.count(job, -1);
  }

  private count(job: Job, sign: 1 | -1): void {
    const { weight, bytes = 0 } = job;
    this.weight += sign * weight;
    this.bytes += sign * bytes;
    if (job.kind !== "bulk") return;
    this.bulksWeight += sign * weight;
    this.bulksBytes += sign * bytes;
  }

  /** The jobs that are ready, in order. */
  *upcoming(): Generator<Job> {
    for (let at = this.head; at < this.jobs.length; at++) {
      const job = this.jobs[at];
      if (job) yield job;
    }
  }

  take(): Job | undefined {
    const job = this.jobs[this.head];
    if (!job) return undefined;
    this.head++;
    if (this.head === this.jobs.length) {
      this.jobs = [];
      this.head = 0;
    }
    return job;
  }

  /** The job goes first in the next batch. */
  putBack(job: Job): void {
    this.jobs = [job, ...this.jobs.slice(this.head)];
    this.head = 0;
  }

  postpone(job: Job): void {
    this.postponed.push(job);
  }

  /** The batch is in the log: what waited for it goes first. */
  resume(): void {
    if (this.postponed.length === 0) return;
    this.jobs = [...this.postponed, ...this.jobs.slice(this.head)];
    this.head = 0;
    this.postponed = [];
  }

  /**
   * Sets a job aside until something was read; a failed read is the job's failure. A bulk of which items are in the batch under way
   * fails after that: until then it may have happened in part.
   */
  park(job: Job, until: Promise<void>, wake: () => void): void {
    this.parked.add(job);
    until.then(
      () => {
        if (this.parked.delete(job)) this.jobs.push(job);
        wake();
      },
      (error: unknown) => {
        if (this.parked.delete(job)) {
          if (job.kind === "bulk" && job.next > 0 && isLedgerError(error)) {
            job.failure = error;
            this.jobs.push(job);
          } else {
            this.release(job);
            job.fail(isLedgerError(error) ? failureOf(job, error, NO_REVISION) : error);
          }
        }
        wake();
      },
    );
  }

  /** Everything that was accepted and not decided, taken out. */
  drain(): Job[] {
    const jobs = [...this.postponed, ...this.jobs.slice(this.head), ...this.parked];
    this.jobs = [];
    this.head = 0;
    this.postponed = [];
    this.parked.clear();
    return jobs;
  }
}
