using 'main.bicep'

param name = 'payledgerd'
param shards = 1
param eventHubsUnits = 1
param mysqlSku = 'Standard_E2ads_v5'
param mysqlStorageGb = 64
param mysqlReplicas = 1
param redisSku = 'Balanced_B0'
param gremlinMaxThroughput = 1000
param nodeSize = 'Standard_D4ds_v5'
param nodeCount = 3
param administrators = readEnvironmentVariable('PAYLEDGER_ADMINISTRATORS')
param administratorsName = readEnvironmentVariable('PAYLEDGER_ADMINISTRATORS_NAME')
