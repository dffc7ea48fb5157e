import type { ISidecar } from "@kubernetes-models/istio/networking.istio.io/v1";
import type { IAuthorizationPolicy, IPeerAuthentication } from "@kubernetes-models/istio/security.istio.io/v1";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { after, customResource } from "./customResource";
import { labelProblem } from "./validation";

/** Levels of the Pod Security Standards, https://kubernetes.io/docs/concepts/security/pod-security-standards/. */
export enum PodSecurityLevel {
    Privileged = "privileged",
    Baseline = "baseline",
    Restricted = "restricted",
}

/** Arguments of {@link MeshNamespace}. */
export interface MeshNamespaceArgs {
    /**
     * Name of the namespace.
     * @default - the component's name
     */
    namespace?: string;
    /**
     * Puts a sidecar beside every pod.
     * @default true
     */
    injection?: boolean;
    /**
     * Hosts that sidecars here know, as `namespace/host`: fewer hosts, smaller proxies.
     * @default - this namespace and the root namespace
     */
    egressHosts?: string[];
    /**
     * The mesh's root namespace, whose services every sidecar here knows.
     * @default "istio-system"
     */
    rootNamespace?: string;
    /**
     * Closes the namespace to traffic from other pods, but for the ports of metrics and health, by a NetworkPolicy.
     * @default false
     */
    networkPolicies?: boolean;
    /**
     * Pod Security level that is enforced. Sidecars without the CNI plugin need `Privileged`.
     * @default - not enforced
     */
    podSecurity?: PodSecurityLevel;
}

/**
 * A namespace of the mesh: sidecar injection, STRICT mTLS, default deny, and sidecars that know only what they call.
 * Depends on {@link ControlPlane}, so that no pod is made before its sidecar can be injected.
 *
 * @throws Error when the name is no namespace name.
 */
export class MeshNamespace extends pulumi.ComponentResource {
    /** Name of the namespace, available once its policies are in force. */
    public readonly namespace: pulumi.Output<string>;

    constructor(name: string, args: MeshNamespaceArgs = {}, opts?: pulumi.ComponentResourceOptions) {
        super("pulumi-istio-platform:index:MeshNamespace", name, args, opts);
        const namespaceName = args.namespace ?? name;
        const problem = labelProblem(namespaceName);
        if (problem) {
            throw new Error(`MeshNamespace "${name}": the namespace "${namespaceName}" ${problem}`);
        }

        const namespace = new k8s.core.v1.Namespace(
            `${name}-namespace`,
            { metadata: { name: namespaceName, labels: namespaceLabels(args) } },
            { parent: this },
        );
        const within = { namespace: namespace.metadata.name };
        const children = { parent: this };
        const mtls = customResource<IPeerAuthentication>(
            `${name}-mtls`,
            {
                apiVersion: "security.istio.io/v1",
                kind: "PeerAuthentication",
                metadata: { ...within, name: "default" },
                spec: { mtls: { mode: "STRICT" } },
            },
            children,
        );
        const deny = customResource<IAuthorizationPolicy>(
            `${name}-default-deny`,
            {
                apiVersion: "security.istio.io/v1",
                kind: "AuthorizationPolicy",
                metadata: { ...within, name: "default-deny" },
                // An empty spec allows nothing (https://istio.io/latest/docs/concepts/security/#allow-nothing-deny-all-and-allow-all-policy).
                spec: {},
            },
            children,
        );
        customResource<ISidecar>(
            `${name}-sidecar`,
            {
                apiVersion: "networking.istio.io/v1",
                kind: "Sidecar",
                metadata: { ...within, name: "default" },
                spec: { egress: [{ hosts: args.egressHosts ?? ["./*", `${args.rootNamespace ?? "istio-system"}/*`] }] },
            },
            children,
        );
        if (args.networkPolicies) {
            defaultDenyIngress(name, within, children);
        }

        this.namespace = after(namespaceName, namespace, mtls, deny);
        this.registerOutputs({ namespace: this.namespace });
    }
}

function namespaceLabels(args: MeshNamespaceArgs): Record<string, string> {
    return {
        "istio-injection": (args.injection ?? true) ? "enabled" : "disabled",
        ...(args.podSecurity
            ? {
                  "pod-security.kubernetes.io/enforce": args.podSecurity,
                  "pod-security.kubernetes.io/warn": PodSecurityLevel.Restricted,
              }
            : {}),
    };
}

/** Istio's ports for metrics (15020, 15090) and health (15021), which are open to scrapers and probes. */
const observabilityPorts = [15020, 15021, 15090];

function defaultDenyIngress(
    name: string,
    within: { namespace: pulumi.Input<string> },
    opts: pulumi.CustomResourceOptions,
) {
    new k8s.networking.v1.NetworkPolicy(
        `${name}-default-deny-ingress`,
        {
            metadata: { ...within, name: "default-deny-ingress" },
            spec: {
                podSelector: {},
                policyTypes: ["Ingress"],
                ingress: [{ ports: observabilityPorts.map((port) => ({ protocol: "TCP", port })) }],
            },
        },
        opts,
    );
}
