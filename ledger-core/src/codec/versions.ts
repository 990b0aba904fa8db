import type { FactType } from "../domain/events.ts";
import { raiseBulkRecorded } from "./bulk-recorded.ts";
import { asObject, type Json } from "./shape.ts";

/** The version in which each fact is written today. */
export const currentVersions: { readonly [T in FactType]: number } = {
  WriterEpochStarted: 1,
  AccountOpened: 1,
  AccountFrozen: 1,
  AccountUnfrozen: 1,
  AccountClosed: 1,
  TransferPosted: 2,
  TopUpSettled: 1,
  PayoutSettled: 1,
  PaymentCharged: 1,
  PaymentAuthorized: 2,
  PaymentCaptured: 2,
  PaymentVoided: 2,
  PaymentExpired: 2,
  PaymentRefunded: 2,
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

/**
 * Stored JSON of one version as the next version would have written it. Pure, and kept for ever: the log is never
 * rewritten.
 */
type Upcaster = (stored: { readonly [key: string]: Json }) => Json;

/** By type, then by the version that is raised to the next one. */
export type Upcasters = { readonly [T in FactType]?: { readonly [version: number]: Upcaster } };

/** Of a payment as version 1 wrote it: nobody noted the day that its authorization counts against. */
const undatedPayment: Upcaster = ({ payment = null, ...event }) => ({
  ...event,
  payment: { ...asObject(payment), spentOn: null },
});
/** Nothing was given back to a day's ceiling. */
const undatedRelease: Upcaster = (event) => ({ ...asObject(undatedPayment(event)), sameDay: false });

/** The next version of a fact adds its way up here, and its fixture. */
export const upcasters: Upcasters = {
  BulkRecorded: { 1: raiseBulkRecorded },
  TransferPosted: { 1: (event) => ({ ...event, spentOn: null }) },
  PaymentAuthorized: { 1: undatedPayment },
  PaymentCaptured: { 1: undatedRelease },
  PaymentVoided: { 1: undatedRelease },
  PaymentExpired: { 1: undatedRelease },
  PaymentRefunded: { 1: undatedPayment },
};
