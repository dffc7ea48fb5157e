export type { ReplicasArgs, ResourceRequirementsArgs } from "./availability";
export { Bookinfo, type BookinfoArgs, type EntranceArgs, type ReviewsWeightsArgs } from "./bookinfo";
export {
    AcmeServer,
    CertificateIssuer,
    type AcmeIssuerArgs,
    type CertificateIssuerArgs,
    type PrivateCaArgs,
} from "./certificateIssuer";
export { CertManager, type CertManagerArgs } from "./certManager";
export {
    ControlPlane,
    OutboundTrafficPolicy,
    Platform,
    type ControlPlaneArgs,
    type IngressControllerArgs,
} from "./controlPlane";
export type {
    AzureDnsArgs,
    AzureManagedIdentityArgs,
    CloudDnsArgs,
    CloudflareArgs,
    DigitalOceanArgs,
    Dns01Args,
    Rfc2136Args,
    Route53Args,
    SecretKeyArgs,
} from "./dns01";
export {
    GatewayExposure,
    type GatewayCertificateArgs,
    type GatewayHostArgs,
    type IngressGatewayArgs,
} from "./gatewayArgs";
export type { SourcesArgs } from "./helmRelease";
export { HttpRoute, type HttpRouteArgs } from "./httpRoute";
export type {
    CorsPolicyArgs,
    HeaderOperationsArgs,
    HttpDestinationArgs,
    HttpFaultArgs,
    HttpMatchArgs,
    HttpRedirectArgs,
    HttpRetryArgs,
    HttpRuleArgs,
    StringMatchArgs,
} from "./httpRule";
export { IngressGateway } from "./ingressGateway";
export { MeshNamespace, PodSecurityLevel, type MeshNamespaceArgs } from "./meshNamespace";
export { MeshSecurity, type MeshSecurityArgs, type RequireJwtArgs } from "./meshSecurity";
export { MeshService, ServiceProtocol, type CallerArgs, type MeshServiceArgs } from "./meshService";
export type { ServiceVersionArgs, WorkloadArgs } from "./workload";
