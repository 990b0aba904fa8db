// Session views, revoked tokens and quotas. Nothing is evicted, and what holds revoked tokens is written to disk.
param name string
param location string
param subnetId string
param networkId string
param sku string
param users array

resource cluster 'Microsoft.Cache/redisEnterprise@2025-04-01' = {
  name: '${name}-redis'
  location: location
  sku: { name: sku }
  properties: { minimumTlsVersion: '1.2', highAvailability: 'Enabled' }
}

resource database 'Microsoft.Cache/redisEnterprise/databases@2025-04-01' = {
  parent: cluster
  name: 'default'
  properties: {
    clientProtocol: 'Encrypted'
    port: 10000
    clusteringPolicy: 'OSSCluster'
    evictionPolicy: 'NoEviction'
    accessKeysAuthentication: 'Disabled'
    persistence: { aofEnabled: true, aofFrequency: '1s' }
  }
}

@batchSize(1)
resource access 'Microsoft.Cache/redisEnterprise/databases/accessPolicyAssignments@2025-04-01' = [for (user, at) in users: {
  parent: database
  name: 'service${at}'
  properties: { accessPolicyName: 'default', user: { objectId: user } }
}]

module endpoint 'private-endpoint.bicep' = {
  name: 'redis-endpoint'
  params: {
    name: '${name}-redis'
    location: location
    subnetId: subnetId
    networkId: networkId
    serviceId: cluster.id
    group: 'redisEnterprise'
    zone: 'privatelink.redis.azure.net'
  }
}

output url string = 'redis://${cluster.properties.hostName}:10000'
