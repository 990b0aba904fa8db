// Secrets for the CSI driver. Services may read secrets, and nothing else.
param name string
param location string
param subnetId string
param networkId string
param readers array

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: '${name}-kv'
  location: location
  properties: {
    tenantId: subscription().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    enablePurgeProtection: true
    publicNetworkAccess: 'Disabled'
  }
}

module endpoint 'private-endpoint.bicep' = {
  name: 'key-vault-endpoint'
  params: {
    name: '${name}-kv'
    location: location
    subnetId: subnetId
    networkId: networkId
    serviceId: vault.id
    group: 'vault'
    zone: 'privatelink.vaultcore.azure.net'
  }
}

// Key Vault Secrets User
var secretsUser = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '4633458b-17de-408a-b874-0445c86b69e6')

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (reader, at) in readers: {
  scope: vault
  name: guid(vault.id, string(at), secretsUser)
  properties: { principalId: reader, principalType: 'ServicePrincipal', roleDefinitionId: secretsUser }
}]

output vaultName string = vault.name
