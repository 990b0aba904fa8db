import type { FactType } from "../events.ts";
import { raiseBulkRecorded } from "./bulk-recorded.ts";
import type { Json } from "./shape.ts";

/** The version in which each fact is written today. */
export const currentVersions: { readonly [T in FactType]: number } = {
  WriterEpochStarted: 1,
  AccountOpened: 1,
  AccountFrozen: 1,
  AccountUnfrozen: 1,
  AccountClosed: 1,
  TransferPosted: 1,
  TopUpSettled: 1,
  PayoutSettled: 1,
  PaymentCharged: 1,
  PaymentAuthorized: 1,
  PaymentCaptured: 1,
  PaymentVoided: 1,
  PaymentExpired: 1,
  PaymentRefunded: 1,
  AccountChangeDeclined: 1,
  TransferDeclined: 1,
  TopUpDeclined: 1,
  PayoutDeclined: 1,
  PaymentDeclined: 1,
  CaptureDeclined: 1,
  VoidDeclined: 1,
  RefundDeclined: 1,
  BulkRecorded: 2,
};

export function isFactType(type: string): type is FactType {
  return Object.hasOwn(currentVersions, type);
}

/** Stored JSON of one version as the next version would have written it. Pure, and kept for ever: the log is never rewritten. */
export type Upcaster = (stored: { readonly [key: string]: Json }) => Json;

/** By type, then by the version that is raised to the next one. */
export type Upcasters = { readonly [T in FactType]?: { readonly [version: number]: Upcaster } };

/** The next version of a fact adds its way up here, and its fixture. */
export const upcasters: Upcasters = { BulkRecorded: { 1: raiseBulkRecorded } };
