// One network: nodes, private endpoints, and a delegated subnet for MySQL. Nothing has a public address but the gateway.
param name string
param location string

var endpoints = '10.20.16.0/24'
var database = '10.20.17.0/24'

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' = {
  name: '${name}-vnet'
  location: location
  properties: {
    addressSpace: { addressPrefixes: [ '10.20.0.0/16' ] }
    subnets: [
      { name: 'nodes', properties: { addressPrefix: '10.20.0.0/20' } }
      {
        name: 'endpoints'
        properties: { addressPrefix: endpoints, privateEndpointNetworkPolicies: 'Enabled' }
      }
      {
        name: 'mysql'
        properties: {
          addressPrefix: database
          delegations: [
            { name: 'mysql', properties: { serviceName: 'Microsoft.DBforMySQL/flexibleServers' } }
          ]
        }
      }
    ]
  }
}

output networkId string = network.id
output nodesSubnetId string = '${network.id}/subnets/nodes'
output endpointsSubnetId string = '${network.id}/subnets/endpoints'
output mysqlSubnetId string = '${network.id}/subnets/mysql'
output endpointsCidr string = endpoints
output mysqlCidr string = database
