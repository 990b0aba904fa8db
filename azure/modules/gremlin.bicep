// The payment graph. Its key goes into Key Vault as graph-key: Gremlin has no Entra login.
param name string
param location string
param subnetId string
param networkId string
param maxThroughput int

resource account 'Microsoft.DocumentDB/databaseAccounts@2024-08-15' = {
  name: '${name}-graph'
  location: location
  kind: 'GlobalDocumentDB'
  properties: {
    databaseAccountOfferType: 'Standard'
    capabilities: [ { name: 'EnableGremlin' } ]
    consistencyPolicy: { defaultConsistencyLevel: 'Session' }
    locations: [ { locationName: location, failoverPriority: 0 } ]
    minimalTlsVersion: 'Tls12'
    publicNetworkAccess: 'Disabled'
  }
}

resource database 'Microsoft.DocumentDB/databaseAccounts/gremlinDatabases@2024-08-15' = {
  parent: account
  name: 'ledger'
  properties: { resource: { id: 'ledger' } }
}

resource graph 'Microsoft.DocumentDB/databaseAccounts/gremlinDatabases/graphs@2024-08-15' = {
  parent: database
  name: 'payments'
  properties: {
    resource: { id: 'payments', partitionKey: { paths: [ '/pk' ], kind: 'Hash' } }
    options: { autoscaleSettings: { maxThroughput: maxThroughput } }
  }
}

module endpoint 'private-endpoint.bicep' = {
  name: 'gremlin-endpoint'
  params: {
    name: '${name}-graph'
    location: location
    subnetId: subnetId
    networkId: networkId
    serviceId: account.id
    group: 'Gremlin'
    zone: 'privatelink.gremlin.cosmos.azure.com'
  }
}

output url string = 'gremlin://${account.name}.gremlin.cosmos.azure.com:443'
output databaseName string = database.name
output graphName string = graph.name
