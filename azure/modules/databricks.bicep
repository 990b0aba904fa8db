// The workspace that reads the lake, by an access connector of its own that may only read.
param name string
param location string
param lakeName string

resource connector 'Microsoft.Databricks/accessConnectors@2024-05-01' = {
  name: '${name}-databricks'
  location: location
  identity: { type: 'SystemAssigned' }
}

resource workspace 'Microsoft.Databricks/workspaces@2024-05-01' = {
  name: '${name}-databricks'
  location: location
  sku: { name: 'premium' }
  properties: {
    managedResourceGroupId: subscriptionResourceId('Microsoft.Resources/resourceGroups', '${name}-databricks-managed')
    publicNetworkAccess: 'Enabled'
    parameters: { enableNoPublicIp: { value: true } }
  }
}

resource lake 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: lakeName
}

// Storage Blob Data Reader
var reader = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1')

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: lake
  name: guid(lake.id, 'databricks')
  properties: { principalId: connector.identity.principalId, principalType: 'ServicePrincipal', roleDefinitionId: reader }
}

output workspaceUrl string = workspace.properties.workspaceUrl
