import type { IDestinationRule } from "@kubernetes-models/istio/networking.istio.io/v1";
import type { IAuthorizationPolicy } from "@kubernetes-models/istio/security.istio.io/v1";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { checkReplicas, oneReplica } from "./availability";
import { after, customResource } from "./customResource";
import { principalOf } from "./identity";
import { labelProblem } from "./validation";
import { autoscalerSpec, deploymentSpec, type ServiceVersionArgs, type WorkloadArgs } from "./workload";

/** What a Service speaks; declared, because guessing fails for protocols in which the server speaks first. */
export enum ServiceProtocol {
    Http = "http",
    Http2 = "http2",
    Grpc = "grpc",
    Tcp = "tcp",
}

/** Somebody who may call a service. */
export interface CallerArgs {
    /** The caller's identity, as `cluster.local/ns/<namespace>/sa/<account>`. */
    principal: pulumi.Input<string>;
    /** Namespace of the caller's pods, for the NetworkPolicy. */
    namespace: string;
    /**
     * HTTP methods that it may use.
     * @default - all; none can be named for TCP
     */
    methods?: string[];
    /**
     * Paths that it may call, each exact or ending in `*`.
     * @default - all; none can be named for TCP
     */
    paths?: string[];
}

/** Arguments of {@link MeshService}. */
export interface MeshServiceArgs extends WorkloadArgs {
    /**
     * Name of the Service, the ServiceAccount and the label `app`.
     * @default - the component's name
     */
    service?: string;
    /** A namespace of the mesh. */
    namespace: string;
    /** The versions that run side by side. Several make a DestinationRule with a subset for each. */
    versions: ServiceVersionArgs[];
    /** @default ServiceProtocol.Http */
    protocol?: ServiceProtocol;
    /**
     * Who may call the service. Everybody else is refused.
     * @default - nobody
     */
    callers?: CallerArgs[];
    /**
     * Lets only the callers' namespaces reach the pods.
     * @default false
     */
    networkPolicies?: boolean;
    /**
     * The trust domain of the mesh.
     * @default "cluster.local"
     */
    trustDomain?: string;
}

/**
 * A service of the mesh: an identity of its own, a Deployment by version, a Service with its protocol declared, who may
 * call it, autoscalers, and from two replicas on a disruption budget. Depends on its {@link MeshNamespace}.
 *
 * @throws Error when there is no version, a name is no DNS label, the replicas cannot both hold, or paths or methods are
 * named for TCP, where they would deny everything (https://istio.io/latest/docs/ops/best-practices/security/).
 */
export class MeshService extends pulumi.ComponentResource {
    /** `<service>.<namespace>.svc.cluster.local`, available once its subsets exist: routes need no more. */
    public readonly host: pulumi.Output<string>;
    /** Identity of the service's pods, to be allowed by those that it calls. */
    public readonly principal: pulumi.Output<string>;

    constructor(name: string, args: MeshServiceArgs, opts?: pulumi.ComponentResourceOptions) {
        super("pulumi-istio-platform:index:MeshService", name, args, opts);
        const service = args.service ?? name;
        checkArgs(name, service, args);
        const metadata = { name: service, namespace: args.namespace, labels: { app: service } };
        const host = `${service}.${args.namespace}.svc.cluster.local`;

        const account = new k8s.core.v1.ServiceAccount(
            `${name}-account`,
            { metadata, automountServiceAccountToken: false },
            { parent: this },
        );
        new k8s.core.v1.Service(`${name}-service`, { metadata, spec: serviceSpec(service, args) }, { parent: this });
        const access = this.access(name, service, args);
        for (const version of args.versions) {
            this.version(name, service, version, args, [account, access]);
        }
        this.disruption(name, service, args);
        if (args.networkPolicies) {
            this.network(name, service, args);
        }
        const subsets = args.versions.length > 1 ? [this.subsets(name, service, host, args)] : [];

        this.host = after(host, ...subsets);
        this.principal = pulumi.output(principalOf(args.namespace, service, args.trustDomain));
        this.registerOutputs({ host: this.host, principal: this.principal });
    }

    private version(
        name: string,
        service: string,
        version: ServiceVersionArgs,
        args: MeshServiceArgs,
        dependsOn: pulumi.Resource[],
    ): void {
        const metadata = {
            name: `${service}-${version.name}`,
            namespace: args.namespace,
            labels: { app: service, version: version.name },
        };
        const deployment = new k8s.apps.v1.Deployment(
            `${name}-${version.name}`,
            { metadata, spec: deploymentSpec(service, version, args) },
            { parent: this, dependsOn },
        );
        new k8s.autoscaling.v2.HorizontalPodAutoscaler(
            `${name}-${version.name}-autoscaler`,
            { metadata, spec: autoscalerSpec(metadata.name, args.replicas ?? oneReplica) },
            { parent: this, dependsOn: deployment },
        );
    }

    private access(name: string, service: string, args: MeshServiceArgs): pulumi.CustomResource {
        const tcp = args.protocol === ServiceProtocol.Tcp;
        return customResource<IAuthorizationPolicy>(
            `${name}-callers`,
            {
                apiVersion: "security.istio.io/v1",
                kind: "AuthorizationPolicy",
                metadata: { name: service, namespace: args.namespace },
                spec: {
                    selector: { matchLabels: { app: service } },
                    action: "ALLOW",
                    rules: (args.callers ?? []).map((caller) => ({
                        from: [{ source: { principals: [caller.principal] } }],
                        to: [
                            {
                                operation: {
                                    ports: [String(args.port)],
                                    ...(!tcp && caller.methods ? { methods: caller.methods } : {}),
                                    ...(!tcp && caller.paths ? { paths: caller.paths } : {}),
                                },
                            },
                        ],
                    })),
                },
            },
            { parent: this },
        );
    }

    private disruption(name: string, service: string, args: MeshServiceArgs): void {
        if ((args.replicas?.min ?? 1) < 2) {
            return;
        }
        for (const version of args.versions) {
            new k8s.policy.v1.PodDisruptionBudget(
                `${name}-${version.name}-disruption-budget`,
                {
                    metadata: { name: `${service}-${version.name}`, namespace: args.namespace },
                    spec: { minAvailable: 1, selector: { matchLabels: { app: service, version: version.name } } },
                },
                { parent: this },
            );
        }
    }

    private network(name: string, service: string, args: MeshServiceArgs): void {
        const namespaces = [...new Set((args.callers ?? []).map((caller) => caller.namespace))].sort();
        new k8s.networking.v1.NetworkPolicy(
            `${name}-network-policy`,
            {
                metadata: { name: service, namespace: args.namespace },
                spec: {
                    podSelector: { matchLabels: { app: service } },
                    policyTypes: ["Ingress"],
                    ingress: namespaces.map((namespace) => ({
                        from: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } } }],
                        ports: [{ protocol: "TCP", port: args.port }],
                    })),
                },
            },
            { parent: this },
        );
    }

    private subsets(name: string, service: string, host: string, args: MeshServiceArgs): pulumi.CustomResource {
        return customResource<IDestinationRule>(
            `${name}-subsets`,
            {
                apiVersion: "networking.istio.io/v1",
                kind: "DestinationRule",
                metadata: { name: service, namespace: args.namespace },
                spec: { host, subsets: args.versions.map(({ name }) => ({ name, labels: { version: name } })) },
            },
            { parent: this },
        );
    }
}

function serviceSpec(service: string, args: MeshServiceArgs): k8s.types.input.core.v1.ServiceSpec {
    const protocol = args.protocol ?? ServiceProtocol.Http;
    return {
        selector: { app: service },
        ports: [{ name: protocol, port: args.port, targetPort: args.port, protocol: "TCP", appProtocol: protocol }],
    };
}

function checkArgs(name: string, service: string, args: MeshServiceArgs): void {
    const owner = `MeshService "${name}"`;
    if (args.versions.length === 0) {
        throw new Error(`${owner}: give at least one version`);
    }
    for (const label of [service, args.namespace, ...args.versions.map((version) => version.name)]) {
        const problem = labelProblem(label);
        if (problem) {
            throw new Error(`${owner}: the name "${label}" ${problem}`);
        }
    }
    if (args.protocol === ServiceProtocol.Tcp && args.callers?.some((caller) => caller.methods ?? caller.paths)) {
        throw new Error(`${owner}: callers of a TCP service cannot be limited to methods or paths: leave them out`);
    }
    checkReplicas(owner, args.replicas ?? oneReplica);
}
