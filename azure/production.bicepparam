using 'main.bicep'

// The first column of docs/capacity.md, with the one shard that runs today.
param name = 'payledger'
param shards = 1
param eventHubsUnits = 10
param mysqlSku = 'Standard_E16ads_v5'
param mysqlStorageGb = 2048
param mysqlReplicas = 6
param redisSku = 'Balanced_B10'
param gremlinMaxThroughput = 20000
param nodeSize = 'Standard_D16ds_v5'
param nodeCount = 6
param administrators = readEnvironmentVariable('PAYLEDGER_ADMINISTRATORS')
param administratorsName = readEnvironmentVariable('PAYLEDGER_ADMINISTRATORS_NAME')
