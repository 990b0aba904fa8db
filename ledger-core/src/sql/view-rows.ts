/**
 * The tables of a views' file: projection-workers creates and writes them, query-service reads them. A build's have a
 * suffix.
 */
export const viewTables = {
  graphEdges: "graph_edges",
  graphMerchants: "graph_merchants",
  graphCaptures: "graph_captures",
  graphShut: "graph_shut",
} as const;

export type ViewRow = Record<string, ViewValue>;
type ViewValue = string | number | bigint | Uint8Array | null;
