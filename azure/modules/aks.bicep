// AKS with workload identity, the CSI driver for Key Vault, KEDA, network policies, and no local accounts.
param name string
param location string
param subnetId string
param workspaceId string
param nodeSize string
param nodeCount int

resource cluster 'Microsoft.ContainerService/managedClusters@2024-09-01' = {
  name: '${name}-aks'
  location: location
  identity: { type: 'SystemAssigned' }
  properties: {
    dnsPrefix: name
    disableLocalAccounts: true
    aadProfile: { managed: true, enableAzureRBAC: true }
    oidcIssuerProfile: { enabled: true }
    securityProfile: { workloadIdentity: { enabled: true } }
    workloadAutoScalerProfile: { keda: { enabled: true } }
    addonProfiles: {
      azureKeyvaultSecretsProvider: { enabled: true, config: { enableSecretRotation: 'true' } }
      omsagent: { enabled: true, config: { logAnalyticsWorkspaceResourceID: workspaceId } }
    }
    networkProfile: {
      networkPlugin: 'azure'
      networkPluginMode: 'overlay'
      networkDataplane: 'cilium'
      networkPolicy: 'cilium'
      serviceCidr: '10.30.0.0/16'
      dnsServiceIP: '10.30.0.10'
    }
    agentPoolProfiles: [
      {
        name: 'system'
        mode: 'System'
        count: nodeCount
        vmSize: nodeSize
        osSKU: 'AzureLinux'
        vnetSubnetID: subnetId
        availabilityZones: [ '1', '2', '3' ]
      }
    ]
  }
}

output issuer string = cluster.properties.oidcIssuerProfile.issuerURL
