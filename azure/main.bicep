// Everything that the chart's production values expect around an AKS cluster. Its outputs are the chart's values.
// az deployment group create -g <group> -f azure/main.bicep -p azure/production.bicepparam
targetScope = 'resourceGroup'

@description('Begins every name: 3 to 11 lower-case letters and digits.')
@minLength(3)
@maxLength(11)
param name string
param location string = resourceGroup().location
@description('Partitions of the topic, and shards of the log.')
@minValue(1)
param shards int
@description('Throughput units of Event Hubs.')
param eventHubsUnits int
param mysqlSku string
param mysqlStorageGb int
param mysqlReplicas int
param redisSku string
param gremlinMaxThroughput int
param nodeSize string
param nodeCount int
@description('Kubernetes namespace of the chart.')
param namespace string = 'payledger'
@description('Name of the Helm release; service accounts are named <release>-<service>.')
param release string = 'payledger'
@description('Object id of the group that administers MySQL.')
param administrators string
param administratorsName string

var services = [ 'command-service', 'query-service', 'projections', 'mirror', 'export', 'scaler' ]

module network 'modules/network.bicep' = {
  name: 'network'
  params: { name: name, location: location }
}

module monitor 'modules/monitor.bicep' = {
  name: 'monitor'
  params: { name: name, location: location }
}

module aks 'modules/aks.bicep' = {
  name: 'aks'
  params: {
    name: name
    location: location
    subnetId: network.outputs.nodesSubnetId
    workspaceId: monitor.outputs.workspaceId
    nodeSize: nodeSize
    nodeCount: nodeCount
  }
}

module identities 'modules/identities.bicep' = {
  name: 'identities'
  params: {
    name: name
    location: location
    issuer: aks.outputs.issuer
    namespace: namespace
    release: release
    services: services
  }
}

module vault 'modules/key-vault.bicep' = {
  name: 'key-vault'
  params: {
    name: name
    location: location
    subnetId: network.outputs.endpointsSubnetId
    networkId: network.outputs.networkId
    readers: identities.outputs.principalIds
  }
}

module eventHubs 'modules/event-hubs.bicep' = {
  name: 'event-hubs'
  params: {
    name: name
    location: location
    subnetId: network.outputs.endpointsSubnetId
    networkId: network.outputs.networkId
    partitions: shards
    units: eventHubsUnits
    mirror: identities.outputs.principalIds[3]
    projections: identities.outputs.principalIds[2]
    scaler: identities.outputs.principalIds[5]
  }
}

module mysql 'modules/mysql.bicep' = {
  name: 'mysql'
  params: {
    name: name
    location: location
    subnetId: network.outputs.mysqlSubnetId
    networkId: network.outputs.networkId
    sku: mysqlSku
    storageGb: mysqlStorageGb
    replicas: mysqlReplicas
    administrators: administrators
    administratorsName: administratorsName
  }
}

module redis 'modules/redis.bicep' = {
  name: 'redis'
  params: {
    name: name
    location: location
    subnetId: network.outputs.endpointsSubnetId
    networkId: network.outputs.networkId
    sku: redisSku
    users: [
      identities.outputs.principalIds[0]
      identities.outputs.principalIds[1]
      identities.outputs.principalIds[2]
    ]
  }
}

module gremlin 'modules/gremlin.bicep' = {
  name: 'gremlin'
  params: {
    name: name
    location: location
    subnetId: network.outputs.endpointsSubnetId
    networkId: network.outputs.networkId
    maxThroughput: gremlinMaxThroughput
  }
}

module lake 'modules/lake.bicep' = {
  name: 'lake'
  params: {
    name: name
    location: location
    subnetId: network.outputs.endpointsSubnetId
    networkId: network.outputs.networkId
    writer: identities.outputs.principalIds[4]
  }
}

module databricks 'modules/databricks.bicep' = {
  name: 'databricks'
  params: { name: name, location: location, lakeName: lake.outputs.accountName }
}

// The chart's values, by their names.
output keyVaultName string = vault.outputs.vaultName
output keyVaultTenantId string = subscription().tenantId
output clientIds array = identities.outputs.clientIds
output brokerUrl string = eventHubs.outputs.brokerUrl
output readModelUrl string = mysql.outputs.primaryUrl
output readModelReplicaUrl string = mysql.outputs.replicaUrl
output sessionsUrl string = redis.outputs.url
output limitsUrl string = redis.outputs.url
output graphUrl string = gremlin.outputs.url
output graphDatabase string = gremlin.outputs.databaseName
output graphName string = gremlin.outputs.graphName
output exportUrl string = lake.outputs.url
output endpointsCidr string = network.outputs.endpointsCidr
output mysqlCidr string = network.outputs.mysqlCidr
output databricksWorkspaceUrl string = databricks.outputs.workspaceUrl
