// The primary that projections write, and replicas that queries read. Logins are Entra identities; users are made once, by
// the administrators: docs/operate/azure.md.
param name string
param location string
param subnetId string
param networkId string
param sku string
param storageGb int
param replicas int
param administrators string
param administratorsName string

resource dns 'Microsoft.Network/privateDnsZones@2020-06-01' = {
  name: '${name}.private.mysql.database.azure.com'
  location: 'global'
}

resource link 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2020-06-01' = {
  parent: dns
  name: '${name}-mysql'
  location: 'global'
  properties: { registrationEnabled: false, virtualNetwork: { id: networkId } }
}

resource logins 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: '${name}-mysql'
  location: location
}

resource primary 'Microsoft.DBforMySQL/flexibleServers@2023-12-30' = {
  name: '${name}-mysql'
  location: location
  sku: { name: sku, tier: 'MemoryOptimized' }
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${logins.id}': {} } }
  properties: {
    version: '8.4'
    storage: { storageSizeGB: storageGb, autoGrow: 'Enabled', autoIoScaling: 'Enabled' }
    backup: { backupRetentionDays: 7, geoRedundantBackup: 'Disabled' }
    highAvailability: { mode: 'ZoneRedundant' }
    network: { delegatedSubnetResourceId: subnetId, privateDnsZoneResourceId: dns.id }
  }
  dependsOn: [ link ]
}

resource administrator 'Microsoft.DBforMySQL/flexibleServers/administrators@2023-12-30' = {
  parent: primary
  name: 'ActiveDirectory'
  properties: {
    administratorType: 'ActiveDirectory'
    identityResourceId: logins.id
    login: administratorsName
    sid: administrators
    tenantId: subscription().tenantId
  }
}

// The fastest way of writing: docs/configuration.md.
resource localInfile 'Microsoft.DBforMySQL/flexibleServers/configurations@2023-12-30' = {
  parent: primary
  name: 'local_infile'
  properties: { value: 'ON', source: 'user-override' }
  dependsOn: [ administrator ]
}

resource database 'Microsoft.DBforMySQL/flexibleServers/databases@2023-12-30' = {
  parent: primary
  name: 'ledger'
  properties: { charset: 'utf8mb4', collation: 'utf8mb4_bin' }
  dependsOn: [ localInfile ]
}

resource replica 'Microsoft.DBforMySQL/flexibleServers@2023-12-30' = [for at in range(1, replicas): {
  name: '${name}-mysql-${at}'
  location: location
  sku: { name: sku, tier: 'MemoryOptimized' }
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${logins.id}': {} } }
  properties: {
    createMode: 'Replica'
    sourceServerResourceId: primary.id
    network: { delegatedSubnetResourceId: subnetId, privateDnsZoneResourceId: dns.id }
  }
  dependsOn: [ database ]
}]

var host = 'mysql.database.azure.com:3306/ledger'

output primaryUrl string = 'mysql://${primary.name}.${host}'
output replicaUrl string = join(map(range(1, replicas), at => 'mysql://${name}-mysql-${at}.${host}'), ',')
