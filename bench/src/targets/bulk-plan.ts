import type { LoadPlan } from "../load/plan.ts";

/** Bulks of 1,000 on 4 connections, unpaced. */
export function bulkPlan(
  { port, token, accounts }: Pick<LoadPlan, "port" | "token" | "accounts">,
  payments: number,
): LoadPlan {
  const size = { perRequest: 1000, connections: 4, payments, seconds: 1200 };
  return { port, token, accounts, path: "/v1/bulk", run: "bulk", hot: null, rate: null, ...size };
}
