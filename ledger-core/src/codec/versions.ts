import type { FactType } from "../domain/events.ts";
import { raiseBulkRecorded } from "./bulk-recorded.ts";
import { asObject, type Json } from "./shape.ts";

/** The current version of each fact. */
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

/** Converts stored JSON to the next version. Pure, and kept forever: the log is never rewritten. */
type Upcaster = (stored: { readonly [key: string]: Json }) => Json;

/** By type, then by the version that it converts. */
export type Upcasters = { readonly [T in FactType]?: { readonly [version: number]: Upcaster } };

/** Version 1 of a payment did not record the day whose limit its authorization counts against. */
const undatedPayment: Upcaster = ({ payment = null, ...event }) => ({
  ...event,
  payment: { ...asObject(payment), spentOn: null },
});
/** Version 1 of a release gave nothing back to a day's limit. */
const undatedRelease: Upcaster = (event) => ({ ...asObject(undatedPayment(event)), sameDay: false });

/** A new version of a fact adds its upcaster here, and a fixture. */
export const upcasters: Upcasters = {
  BulkRecorded: { 1: raiseBulkRecorded },
  TransferPosted: { 1: (event) => ({ ...event, spentOn: null }) },
  PaymentAuthorized: { 1: undatedPayment },
  PaymentCaptured: { 1: undatedRelease },
  PaymentVoided: { 1: undatedRelease },
  PaymentExpired: { 1: undatedRelease },
  PaymentRefunded: { 1: undatedPayment },
};
