/** One key of a Secret in cert-manager's namespace. */
export interface SecretKeyArgs {
    name: string;
    key: string;
}

/** Amazon Route 53, https://cert-manager.io/docs/configuration/acme/dns01/route53/. */
export interface Route53Args {
    region?: string;
    /** @default - found by the host's name */
    hostedZoneID?: string;
    /** ARN of a role to assume. */
    role?: string;
    accessKeyIDSecretRef?: SecretKeyArgs;
    secretAccessKeySecretRef?: SecretKeyArgs;
}

/** Cloudflare, https://cert-manager.io/docs/configuration/acme/dns01/cloudflare/. */
export interface CloudflareArgs {
    apiTokenSecretRef: SecretKeyArgs;
}

/** Google Cloud DNS, https://cert-manager.io/docs/configuration/acme/dns01/google/. */
export interface CloudDnsArgs {
    project: string;
    hostedZoneName?: string;
    /** @default - workload identity */
    serviceAccountSecretRef?: SecretKeyArgs;
}

/** Azure's managed identity of cert-manager's pods. */
export interface AzureManagedIdentityArgs {
    clientID: string;
}

/** Azure DNS, https://cert-manager.io/docs/configuration/acme/dns01/azuredns/. */
export interface AzureDnsArgs {
    subscriptionID: string;
    resourceGroupName: string;
    hostedZoneName?: string;
    managedIdentity?: AzureManagedIdentityArgs;
    tenantID?: string;
    clientID?: string;
    clientSecretSecretRef?: SecretKeyArgs;
}

/** DigitalOcean, https://cert-manager.io/docs/configuration/acme/dns01/digitalocean/. */
export interface DigitalOceanArgs {
    tokenSecretRef: SecretKeyArgs;
}

/** Any server that takes dynamic updates, https://cert-manager.io/docs/configuration/acme/dns01/rfc2136/. */
export interface Rfc2136Args {
    /** Address and port, as `192.0.2.1:53`. */
    nameserver: string;
    tsigKeyName?: string;
    tsigAlgorithm?: string;
    tsigSecretSecretRef?: SecretKeyArgs;
}

/** The provider of the domain's DNS. Exactly one is given; credentials stay in Secrets that are named here. */
export interface Dns01Args {
    route53?: Route53Args;
    cloudflare?: CloudflareArgs;
    cloudDNS?: CloudDnsArgs;
    azureDNS?: AzureDnsArgs;
    digitalocean?: DigitalOceanArgs;
    rfc2136?: Rfc2136Args;
}
