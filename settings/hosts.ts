import type * as pulumi from "@pulumi/pulumi";
import { GatewayExposure, type GatewayCertificateArgs } from "../components";
import type { Settings } from "./schema";

/** A host at one of the gateways, and who answers there. */
export interface HostClaim {
    /** Where in the config the claim is made. */
    path: string;
    /** Name of the certificate: hosts of one name share it. */
    name: string;
    gateway: "external" | "internal";
    namespace: string;
    host: string;
}

/** Namespace of the sample application. */
export const bookinfoNamespace = "bookinfo";

/** A host as the name of a Kubernetes object, another name for every host. */
export function hostName(host: string): string {
    return `route-${host.replaceAll("-", "--").replace("*", "wildcard--").replaceAll(".", "-")}`;
}

/** The hosts that one of the gateways serves, for one application or for all. */
export function hostClaims(settings: Settings, gateway: string, name?: string): HostClaim[] {
    return allClaims(settings).filter((claim) => claim.gateway === gateway && claim.name === (name ?? claim.name));
}

/** A gateway's certificates: one for each application, for all of its hosts. */
export function gatewayCertificates(
    settings: Settings,
    gateway: GatewayExposure,
    issuerName: pulumi.Input<string>,
): GatewayCertificateArgs[] {
    const names = [...new Set(hostClaims(settings, gateway).map(({ name }) => name))];
    return names.map((name) => ({
        name: gateway === GatewayExposure.Internal ? `internal-${name}` : name,
        issuerName,
        hosts: hostClaims(settings, gateway, name).map(({ host, namespace }) => ({ host, namespace })),
    }));
}

/** Every host that the config asks a gateway to serve. */
export function allClaims({ bookinfo, domain, internalDomain, gateways, routes }: Partial<Settings>): HostClaim[] {
    const sample = { path: "bookinfo.hosts", name: "bookinfo", namespace: bookinfoNamespace };
    const external = bookinfo?.hosts ?? (domain ? [`bookinfo.${domain}`] : []);
    const internal = internalDomain ? [`bookinfo.${internalDomain}`] : [];
    const ofSample = bookinfo?.enabled
        ? [
              ...(gateways?.external.enabled ? external : []).map((host) => ({
                  ...sample,
                  gateway: "external" as const,
                  host,
              })),
              ...(gateways?.internal.enabled ? internal : []).map((host) => ({
                  ...sample,
                  gateway: "internal" as const,
                  host,
              })),
          ]
        : [];
    const ofRoutes = (routes ?? []).map(({ host, gateway, namespace }, index) => {
        return { path: `routes.${index}.host`, name: hostName(host), gateway, namespace, host };
    });
    return [...ofSample, ...ofRoutes];
}
