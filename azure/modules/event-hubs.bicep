// The topic that the mirror writes: a partition per shard. It is no store: retention is a week.
param name string
param location string
param subnetId string
param networkId string
param partitions int
param units int
param mirror string
param projections string
param scaler string

resource space 'Microsoft.EventHub/namespaces@2024-01-01' = {
  name: '${name}-hubs'
  location: location
  sku: { name: 'Standard', tier: 'Standard', capacity: units }
  properties: { minimumTlsVersion: '1.2', publicNetworkAccess: 'Disabled', kafkaEnabled: true }
}

resource topic 'Microsoft.EventHub/namespaces/eventhubs@2024-01-01' = {
  parent: space
  name: 'ledger-events'
  properties: { partitionCount: partitions, messageRetentionInDays: 7 }
}

module endpoint 'private-endpoint.bicep' = {
  name: 'event-hubs-endpoint'
  params: {
    name: '${name}-hubs'
    location: location
    subnetId: subnetId
    networkId: networkId
    serviceId: space.id
    group: 'namespace'
    zone: 'privatelink.servicebus.windows.net'
  }
}

// Azure Event Hubs Data Sender, and Data Receiver. The mirror reads the ends of its partitions, too.
var sender = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '2b629674-e913-4c01-ae53-ef4638d8f975')
var receiver = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'a638d3c7-ab3a-418d-83e6-5f17a39d4fde')
var roles = [
  { who: mirror, role: sender }
  { who: mirror, role: receiver }
  { who: projections, role: receiver }
  { who: scaler, role: receiver }
]

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (entry, at) in roles: {
  scope: topic
  name: guid(topic.id, string(at))
  properties: { principalId: entry.who, principalType: 'ServicePrincipal', roleDefinitionId: entry.role }
}]

output brokerUrl string = 'kafka://${space.name}.servicebus.windows.net:9093'
