import type { IVirtualService } from "@kubernetes-models/istio/networking.istio.io/v1";
import * as pulumi from "@pulumi/pulumi";
import { after, customResource } from "./customResource";
import { httpRule, type HttpRuleArgs } from "./httpRule";
import { checkHosts } from "./validation";

/** Arguments of {@link HttpRoute}. */
export interface HttpRouteArgs {
    /**
     * Name of the VirtualService.
     * @default - the component's name
     */
    routeName?: string;
    /** Namespace of the VirtualService: for a gateway's host the one that the gateway admits for it. */
    namespace: string;
    /** The hosts that callers name: a gateway's host, or a service's full name for calls inside the mesh. */
    hosts: pulumi.Input<string>[];
    /**
     * Gateways, as `<namespace>/<name>`; pass {@link IngressGateway.gateway}. Give only Gateways of HTTPS servers.
     * @default - calls inside the mesh
     */
    gateways?: pulumi.Input<string>[];
    /** The rules, the first that matches wins. */
    rules: HttpRuleArgs[];
}

/**
 * Routes HTTP calls by host, path, header, method and query to services and their subsets, by weight. Subsets must be
 * there before the routes that name them: pass {@link MeshService.host} as the destination, which is available only
 * then.
 *
 * @throws Error when there is no host or rule, a host is no DNS name, weights do not sum to 100, a rule has both or
 * neither of a redirect and destinations, or a duration is none.
 */
export class HttpRoute extends pulumi.ComponentResource {
    /** Name of the VirtualService, available once it exists. */
    public readonly routeName: pulumi.Output<string>;

    constructor(name: string, args: HttpRouteArgs, opts?: pulumi.ComponentResourceOptions) {
        super("pulumi-istio-platform:index:HttpRoute", name, args, opts);
        const owner = `HttpRoute "${name}"`;
        checkHosts(
            owner,
            args.hosts.filter((host) => typeof host === "string"),
        );
        if (args.hosts.length === 0 || args.rules.length === 0) {
            throw new Error(`${owner}: give at least one host and one rule`);
        }

        const route = customResource<IVirtualService>(
            `${name}-virtual-service`,
            {
                apiVersion: "networking.istio.io/v1",
                kind: "VirtualService",
                metadata: { name: args.routeName ?? name, namespace: args.namespace },
                spec: {
                    hosts: args.hosts,
                    gateways: args.gateways ?? ["mesh"],
                    http: args.rules.map((rule, index) => httpRule(`${owner}, rule ${rule.name ?? index + 1}`, rule)),
                },
            },
            { parent: this },
        );

        this.routeName = after(args.routeName ?? name, route);
        this.registerOutputs({ routeName: this.routeName });
    }
}
