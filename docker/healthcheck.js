// Whether the service in this container is alive. A service serves /livez on its operations port; `ledger start`, the
// whole ledger in one process, serves it with its API.
const { LEDGER_OPERATIONS_PORT: operations, LEDGER_PORT: api } = process.env;

async function isAlive(port) {
  const answer = await fetch(`http://127.0.0.1:${port}/livez`, { signal: AbortSignal.timeout(2000) });
  return answer.ok;
}

const alive = await isAlive(operations)
  .catch(() => isAlive(api))
  .catch(() => false);
process.exitCode = alive ? 0 : 1;
