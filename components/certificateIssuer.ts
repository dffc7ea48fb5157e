import type { ICertificate, IClusterIssuer } from "@kubernetes-models/cert-manager/cert-manager.io/v1";
import * as pulumi from "@pulumi/pulumi";
import { after, customResource, type Inputs } from "./customResource";
import type { Dns01Args } from "./dns01";

/** Let's Encrypt's directories (https://letsencrypt.org/docs/acme-protocol-updates/). */
export enum AcmeServer {
    /** Trusted by browsers, with tight rate limits. */
    LetsEncryptProduction = "https://acme-v02.api.letsencrypt.org/directory",
    /** For trying out: generous rate limits, trusted by nobody. */
    LetsEncryptStaging = "https://acme-staging-v02.api.letsencrypt.org/directory",
}

/** An issuer that proves the control of a host to an ACME server. Exactly one of the two challenges is given. */
export interface AcmeIssuerArgs {
    /** Where the ACME server sends notices about expiring certificates. */
    email: string;
    /** @default AcmeServer.LetsEncryptProduction */
    server?: AcmeServer;
    /**
     * HTTP-01: name of the IngressClass whose gateway answers the challenge on port 80.
     * @default - DNS-01
     */
    http01IngressClass?: pulumi.Input<string>;
    /**
     * DNS-01: the domain's DNS provider.
     * @default - HTTP-01
     */
    dns01?: Dns01Args;
}

/** A private certificate authority: a self-signed root whose key stays in the cluster. */
export interface PrivateCaArgs {
    /**
     * The root's common name.
     * @default - the issuer's name
     */
    commonName?: string;
    /**
     * How long the root is valid, in hours.
     * @default "87600h" (ten years)
     */
    duration?: string;
}

/** Arguments of {@link CertificateIssuer}. Exactly one of `acme` and `privateCa` is given. */
export interface CertificateIssuerArgs {
    /**
     * Name of the ClusterIssuer.
     * @default - the component's name
     */
    issuerName?: string;
    /**
     * cert-manager's namespace, where a ClusterIssuer's secrets are: the private CA's root is made there.
     * @default "cert-manager"
     */
    namespace?: pulumi.Input<string>;
    /** Issues from an ACME server such as Let's Encrypt. */
    acme?: AcmeIssuerArgs;
    /** Issues from a private CA. */
    privateCa?: PrivateCaArgs;
}

/**
 * A ClusterIssuer: an ACME account, or a private CA with its self-signed root. Depends on {@link CertManager}.
 *
 * @throws Error when not exactly one kind of issuer, or of ACME challenge or DNS provider, is given.
 */
export class CertificateIssuer extends pulumi.ComponentResource {
    /** Name of the ClusterIssuer, available once it exists. */
    public readonly issuerName: pulumi.Output<string>;

    constructor(name: string, args: CertificateIssuerArgs, opts?: pulumi.ComponentResourceOptions) {
        super("pulumi-istio-platform:index:CertificateIssuer", name, args, opts);
        if ((args.acme === undefined) === (args.privateCa === undefined)) {
            throw new Error(`CertificateIssuer "${name}": give exactly one of acme and privateCa`);
        }
        const issuerName = args.issuerName ?? name;
        const issuer = args.acme
            ? this.clusterIssuer(name, issuerName, acmeSpec(name, issuerName, args.acme))
            : this.privateCa(name, args, issuerName, args.privateCa ?? {});
        this.issuerName = after(issuerName, issuer);
        this.registerOutputs({ issuerName: this.issuerName });
    }

    private privateCa(name: string, args: CertificateIssuerArgs, issuerName: string, ca: PrivateCaArgs) {
        const selfSigned = this.clusterIssuer(`${name}-self-signed`, `${issuerName}-self-signed`, {
            selfSigned: {},
        });
        const root = customResource<ICertificate>(
            `${name}-root`,
            {
                apiVersion: "cert-manager.io/v1",
                kind: "Certificate",
                metadata: { name: `${issuerName}-root`, namespace: args.namespace ?? "cert-manager" },
                spec: {
                    isCA: true,
                    commonName: ca.commonName ?? issuerName,
                    secretName: `${issuerName}-root`,
                    duration: ca.duration ?? "87600h",
                    renewBeforePercentage: 20,
                    // A new key would need every client's trust to change on the same day.
                    privateKey: { algorithm: "ECDSA", size: 256, rotationPolicy: "Never" },
                    usages: ["cert sign", "crl sign", "digital signature"],
                    issuerRef: { group: "cert-manager.io", kind: "ClusterIssuer", name: `${issuerName}-self-signed` },
                },
            },
            { parent: this, dependsOn: selfSigned },
        );
        return this.clusterIssuer(name, issuerName, { ca: { secretName: `${issuerName}-root` } }, [root]);
    }

    private clusterIssuer(
        name: string,
        issuerName: string,
        spec: Inputs<NonNullable<IClusterIssuer["spec"]>>,
        dependsOn: pulumi.CustomResource[] = [],
    ) {
        return customResource<IClusterIssuer>(
            `${name}-issuer`,
            {
                apiVersion: "cert-manager.io/v1",
                kind: "ClusterIssuer",
                metadata: { name: issuerName },
                spec,
            },
            { parent: this, dependsOn },
        );
    }
}

function acmeSpec(name: string, issuerName: string, acme: AcmeIssuerArgs): Inputs<NonNullable<IClusterIssuer["spec"]>> {
    if ((acme.http01IngressClass === undefined) === (acme.dns01 === undefined)) {
        throw new Error(`CertificateIssuer "${name}": give exactly one of acme.http01IngressClass and acme.dns01`);
    }
    if (acme.dns01 && Object.values(acme.dns01).filter((provider) => provider !== undefined).length !== 1) {
        throw new Error(`CertificateIssuer "${name}": give exactly one DNS provider in acme.dns01`);
    }
    const solver = acme.dns01
        ? { dns01: acme.dns01 }
        : {
              http01: {
                  ingress: {
                      ingressClassName: acme.http01IngressClass,
                      // cert-manager's default is a NodePort, which would open the challenge on every node.
                      serviceType: "ClusterIP" as const,
                      // The gateway reaches the solver without a sidecar; a label holds where an annotation is ignored.
                      podTemplate: { metadata: { labels: { "sidecar.istio.io/inject": "false" } } },
                  },
              },
          };
    return {
        acme: {
            email: acme.email,
            server: acme.server ?? AcmeServer.LetsEncryptProduction,
            privateKeySecretRef: { name: `${issuerName}-account` },
            solvers: [solver],
        },
    };
}
