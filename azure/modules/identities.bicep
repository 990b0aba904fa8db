// One identity per service, which only its own service account may use. The migration job runs as projections.
param name string
param location string
param issuer string
param namespace string
param release string
param services array

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = [for service in services: {
  name: '${name}-${service}'
  location: location
}]

resource account 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2023-01-31' = [for (service, at) in services: {
  parent: identity[at]
  name: 'kubernetes'
  properties: {
    issuer: issuer
    audiences: [ 'api://AzureADTokenExchange' ]
    subject: 'system:serviceaccount:${namespace}:${release}-${service}'
  }
}]

resource migration 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2023-01-31' = {
  parent: identity[2]
  name: 'migrate'
  properties: {
    issuer: issuer
    audiences: [ 'api://AzureADTokenExchange' ]
    subject: 'system:serviceaccount:${namespace}:${release}-migrate'
  }
  dependsOn: [ account ]
}

output principalIds array = [for (service, at) in services: identity[at].properties.principalId]
output clientIds array = [for (service, at) in services: identity[at].properties.clientId]
