import type {
    IAuthorizationPolicy,
    IPeerAuthentication,
    IRequestAuthentication,
} from "@kubernetes-models/istio/security.istio.io/v1";
import type * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { customResource } from "./customResource";

/** Tokens that one workload demands. */
export interface RequireJwtArgs {
    /** Name of the pair of objects. */
    name: string;
    /** Namespace of the workload. */
    namespace: string;
    /** Labels of the workload's pods. */
    selector: Record<string, string>;
    /** The `iss` claim, as an https URL. */
    issuer: string;
    /** Where the issuer's keys are. */
    jwksUri: string;
    /**
     * Accepted values of the `aud` claim.
     * @default - any
     */
    audiences?: string[];
}

/** Arguments of {@link MeshSecurity}. */
export interface MeshSecurityArgs {
    /**
     * The mesh's root namespace: policies there hold everywhere.
     * @default "istio-system"
     */
    rootNamespace?: pulumi.Input<string>;
    /**
     * Workloads that demand a token of every request.
     * @default - none
     */
    requireJwt?: RequireJwtArgs[];
}

/**
 * STRICT mTLS and default deny for the whole mesh, and tokens where they are demanded. Depends on
 * {@link ControlPlane}.
 *
 * A RequestAuthentication alone lets requests without a token through, so each comes with the policy that denies them
 * (https://istio.io/latest/docs/ops/best-practices/security/).
 */
export class MeshSecurity extends pulumi.ComponentResource {
    constructor(name: string, args: MeshSecurityArgs = {}, opts?: pulumi.ComponentResourceOptions) {
        super("pulumi-istio-platform:index:MeshSecurity", name, args, opts);
        const namespace = args.rootNamespace ?? "istio-system";

        customResource<IPeerAuthentication>(
            `${name}-mtls`,
            {
                apiVersion: "security.istio.io/v1",
                kind: "PeerAuthentication",
                metadata: { name: "default", namespace },
                spec: { mtls: { mode: "STRICT" } },
            },
            { parent: this },
        );
        customResource<IAuthorizationPolicy>(
            `${name}-default-deny`,
            {
                apiVersion: "security.istio.io/v1",
                kind: "AuthorizationPolicy",
                metadata: { name: "default-deny", namespace },
                spec: {},
            },
            { parent: this },
        );
        for (const jwt of args.requireJwt ?? []) {
            this.requireJwt(`${name}-${jwt.name}`, jwt);
        }
        this.registerOutputs();
    }

    private requireJwt(name: string, jwt: RequireJwtArgs): void {
        const metadata: k8s.types.input.meta.v1.ObjectMeta = { name: jwt.name, namespace: jwt.namespace };
        const selector = { matchLabels: jwt.selector };
        const deny = customResource<IAuthorizationPolicy>(
            `${name}-deny-without-token`,
            {
                apiVersion: "security.istio.io/v1",
                kind: "AuthorizationPolicy",
                metadata,
                spec: { selector, action: "DENY", rules: [{ from: [{ source: { notRequestPrincipals: ["*"] } }] }] },
            },
            { parent: this },
        );
        customResource<IRequestAuthentication>(
            `${name}-tokens`,
            {
                apiVersion: "security.istio.io/v1",
                kind: "RequestAuthentication",
                metadata,
                spec: {
                    selector,
                    jwtRules: [{ issuer: jwt.issuer, jwksUri: jwt.jwksUri, audiences: jwt.audiences ?? [] }],
                },
            },
            // Requests without a token are denied before tokens are looked at.
            { parent: this, dependsOn: deny },
        );
    }
}
