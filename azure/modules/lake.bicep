// Delta tables. The exporter alone writes; keys are off, and what is deleted can be brought back for a month.
param name string
param location string
param subnetId string
param networkId string
param writer string

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: '${name}lake'
  location: location
  kind: 'StorageV2'
  sku: { name: 'Standard_ZRS' }
  properties: {
    isHnsEnabled: true
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    minimumTlsVersion: 'TLS1_2'
    publicNetworkAccess: 'Disabled'
    supportsHttpsTrafficOnly: true
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2023-05-01' = {
  parent: account
  name: 'default'
  properties: { deleteRetentionPolicy: { enabled: true, days: 30 } }
}

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' = {
  parent: blobs
  name: 'ledger'
  properties: { publicAccess: 'None' }
}

module endpoint 'private-endpoint.bicep' = {
  name: 'lake-endpoint'
  params: {
    name: '${name}-lake'
    location: location
    subnetId: subnetId
    networkId: networkId
    serviceId: account.id
    group: 'blob'
    zone: 'privatelink.blob.${environment().suffixes.storage}'
  }
}

// Storage Blob Data Contributor, on this container.
var contributor = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'ba92f5b4-2d11-453d-a403-e96b0029c9fe')

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: container
  name: guid(container.id, 'writer')
  properties: { principalId: writer, principalType: 'ServicePrincipal', roleDefinitionId: contributor }
}

output accountName string = account.name
output url string = 'abfss://${container.name}@${account.name}.dfs.${environment().suffixes.storage}/tables'
